// Drives OpenTelemetry's exporters of JavaScript as an application would that must not lose
// anything: { url, key, from, each } on standard input, ENCODING "http" (JSON) or "proto" in
// the environment. What an exporter gives up on is exported again.
import { readFileSync } from 'node:fs'
import { LoggerProvider, SimpleLogRecordProcessor, InMemoryLogRecordExporter } from '@opentelemetry/sdk-logs'
import { TracerProvider, SimpleSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace'
import { MeterProvider, InMemoryMetricExporter, PeriodicExportingMetricReader, AggregationTemporality } from '@opentelemetry/sdk-metrics'

const { url, key, from, each } = JSON.parse(readFileSync(0, 'utf8'))

async function exporter(signal, name) {
  const found = await import(`@opentelemetry/exporter-${signal}-otlp-${process.env.ENCODING}`)
  return new found[name]({ url: `${url}/v1/${signal === 'trace' ? 'traces' : signal}`, headers: { Authorization: `Bearer ${key}` }, compression: 'gzip' })
}

async function send(to, what, tries = 100) {
  const { code, error } = await new Promise((resolve) => to.export(what, resolve))
  if (code === 0) return
  console.error(error)
  if (tries === 0) throw error
  await new Promise((resolve) => setTimeout(resolve, 20))
  await send(to, what, tries - 1)
}

const kept = new InMemoryLogRecordExporter()
const logger = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: kept })] }).getLogger('shop', '1')
for (let n = 2 * from; n < 2 * (from + each); n++) {
  logger.emit({ eventName: 'ordered', body: { items: [n, 0.5] }, attributes: { n: `log-${n}`, price: n / 4, tags: ['a', 'b'] } })
}
logger.emit({ eventName: 'x'.repeat(257) }) // can never be stored

const ended = new InMemorySpanExporter()
const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: ended })] }).getTracer('shop', '1')
for (let n = from; n < from + each; n++) tracer.startSpan('GET /', { attributes: { n: `span-${n}` } }).addEvent('looked').end()

const read = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: read, exportIntervalMillis: 1e9 })
const counter = new MeterProvider({ readers: [reader] }).getMeter('shop').createCounter('orders', { unit: '1' })
for (let n = from; n < from + each; n++) counter.add(n, { n: `point-${n}` })
await reader.forceFlush()

const logs = kept.getFinishedLogRecords()
const to = await exporter('logs', 'OTLPLogExporter')
for (let at = 0; at < logs.length; at += each) await send(to, logs.slice(at, at + each))
await send(await exporter('trace', 'OTLPTraceExporter'), ended.getFinishedSpans())
await send(await exporter('metrics', 'OTLPMetricExporter'), read.getMetrics()[0])
process.exit(0) // a reader keeps its timer
