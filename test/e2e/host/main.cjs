// Takes the source of a function by HTTP, on loopback, and answers with what it returns; for tests only.
const fs = require('node:fs');
const http = require('node:http');
const { text } = require('node:stream/consumers');
const vscode = require('vscode');
const { registerMemoryFiles } = require('./memfs.cjs');

exports.activate = ({ subscriptions }) => {
  subscriptions.push(registerMemoryFiles());
  const server = http.createServer(async (request, response) => {
    try {
      const { source, args } = JSON.parse(await text(request));
      // tsx wraps named functions in calls of this.
      const run = new Function('__name', `return (${source})`)((named) => named);
      response.end(JSON.stringify({ result: await run(vscode, ...args) }));
    } catch (error) {
      response.end(JSON.stringify({ error: String(error) }));
    }
  });
  server.listen(0, '127.0.0.1', () => {
    fs.writeFileSync(process.env.PATCHWORK_E2E_PORT_FILE, String(server.address().port));
  });
  return server;
};
