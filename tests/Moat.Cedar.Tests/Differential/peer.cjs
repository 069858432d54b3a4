// The reference implementation behind a pipe. Each line of stdin is a JSON array of calls, [name, argument, …]; the line that
// answers it is the array of what the functions of @cedar-policy/cedar-wasm return, or {"thrown": message}.
const { createRequire } = require('node:module');
const path = require('node:path');
const readline = require('node:readline');

const cedar = createRequire(path.join(path.resolve(process.argv[2]), 'peer.cjs'))('@cedar-policy/cedar-wasm/nodejs');

function call([name, ...args]) {
  try {
    return cedar[name](...args);
  } catch (error) {
    return { thrown: String(error) };
  }
}

readline.createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on('line', line => process.stdout.write(JSON.stringify(JSON.parse(line).map(call)) + '\n'));
