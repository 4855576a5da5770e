// Parses each statement of a JSON array from standard input by Trino's grammar, and
// prints what the parser says of each: nothing, if it is one statement of Trino's.
import { register } from 'node:module'
import { text } from 'node:stream/consumers'

// The parser's modules name each other without their endings, as bundlers take them.
register('data:text/javascript,' + encodeURIComponent(`
  export async function resolve(name, context, next) {
    for (const ending of ['', '.js', '/index.js']) {
      try { return await next(name + ending, context) } catch (e) { if (ending === '/index.js') throw e }
    }
  }`))

const { TrinoSQL } = await import('dt-sql-parser')
const parser = new TrinoSQL()
const statements = JSON.parse(await text(process.stdin))
console.log(JSON.stringify(statements.map(s => parser.validate(s).map(e => `${e.startLine}:${e.startColumn} ${e.message}`))))
