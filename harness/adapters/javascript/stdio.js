"use strict";

// peerctl/1 over the standard streams of node.

/** Loads a library; without it this cannot run here (exit code 127). */
function load(name) {
  try {
    return require(name);
  } catch (error) {
    console.error(error.message);
    process.exit(127);
  }
}

function write(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/**
 * Gives each line of the input to `take`, then `end` is called. Not by node's readline: that ends
 * lines at U+2028 too, and JSON may contain it.
 */
function lines(take, end) {
  let rest = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk) => {
    const parts = chunk.split("\n");
    parts[0] = rest + parts[0];
    rest = parts.pop();
    parts.filter((line) => line.trim()).forEach(take);
  });
  process.stdin.on("end", end);
}

/** Serves until the input ends. */
function serve(adapter) {
  lines((line) => adapter.line(line), () => process.exit(0));
}

module.exports = { lines, load, serve, write };
