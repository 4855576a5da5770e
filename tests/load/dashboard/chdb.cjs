// Answers statements, one a line as JSON text, with lines of JSON on descriptor 3.
const fs = require("fs");
const { Session } = require("chdb");

const session = new Session();
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  let answer;
  try {
    answer = { Rows: session.query(JSON.parse(line), "CSV") };
  } catch (e) {
    answer = { Error: String(e) };
  }
  fs.writeSync(3, JSON.stringify(answer) + "\n");
}).on("close", () => process.exit(0));
