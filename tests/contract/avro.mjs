// Rewrites Avro files without compression. icebird inflates with a decoder of its own
// that takes no stored block at the end of a stream, which is how Go ends one.
import { inflateRawSync } from 'node:zlib'

/** Reads a zigzag long at `at`, and returns it with the place behind it. */
function long(bytes, at) {
  let value = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = BigInt(bytes[at++])
    value |= (byte & 0x7fn) << shift
    if (!(byte & 0x80n)) return [Number((value >> 1n) ^ -(value & 1n)), at]
  }
}

/** Writes a zigzag long that is not negative. */
function encoded(value) {
  const out = []
  for (let rest = BigInt(value) << 1n; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...out, Number(rest)])
    out.push(Number(rest & 0x7fn) | 0x80)
  }
}

/** Returns a file of the codec "deflate" as one of the codec "null". */
export function inflated(bytes) {
  let at = 4 // behind the magic
  const text = () => {
    const [length, begin] = long(bytes, at)
    at = begin + length
    return bytes.subarray(begin, at)
  }
  const head = [bytes.subarray(0, 4)]
  for (;;) {
    const [count, next] = long(bytes, at)
    head.push(encoded(count))
    at = next
    if (count === 0) break
    for (let i = 0; i < count; i++) {
      const key = text()
      const value = text()
      const plain = key.toString() === 'avro.codec' ? Buffer.from('null') : value
      head.push(encoded(key.length), key, encoded(plain.length), plain)
    }
  }
  const sync = bytes.subarray(at, at + 16)
  at += 16
  const blocks = []
  while (at < bytes.length) {
    const [count, next] = long(bytes, at)
    at = next
    const block = inflateRawSync(text())
    at += 16
    blocks.push(encoded(count), encoded(block.length), block, sync)
  }
  return Buffer.concat([...head, sync, ...blocks])
}
