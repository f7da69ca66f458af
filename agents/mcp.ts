import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import packageJson from '../package.json' with { type: 'json' };
import { messageOf } from '../shared/errorMessage.ts';
import { plainText } from '../shared/plainText.ts';
import type { AgentTool, Answer, Workplace } from './tool.ts';
import { AGENT_TOOLS } from './tools/index.ts';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** How the tools go together, for agents that have not seen them before. */
const HOW =
  'Files are read and written in one folder; paths are relative to it. To change a part of an image, call select_object without an object to see what it has, then edit_image with the name of one. Files are never replaced unless overwrite is true.';

/** Serves the tools to the client at stdin and stdout (modelcontextprotocol.io) until it closes them. */
export async function serveTools(workplace: Workplace): Promise<void> {
  const server = new McpServer(
    { name: 'patchwork', title: packageJson.displayName, version: packageJson.version },
    { instructions: `${packageJson.description} ${HOW}` },
  );
  for (const tool of AGENT_TOOLS) register(server, tool, workplace);
  const transport = new StdioServerTransport();
  await server.connect(transport);
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    // The transport does not notice that its client has gone.
    process.stdin.once('end', resolve).once('close', resolve);
  });
  await closed;
  await server.close();
}

function register(server: McpServer, tool: AgentTool, workplace: Workplace): void {
  const { name, title, description, schema, writes } = tool;
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema: schema,
      annotations: {
        readOnlyHint: !writes,
        // `overwrite` may replace a file.
        destructiveHint: writes,
        idempotentHint: false,
        openWorldHint: false,
      },
    },
    async (input: Record<string, unknown>, extra: Extra): Promise<CallToolResult> => {
      const call = { signal: extra.signal, onProgress: progressOf(extra) };
      try {
        return contentOf(await tool.run(input, workplace, call));
      } catch (error) {
        // Clients show it in terminals.
        throw new Error(plainText(messageOf(error)), { cause: error });
      }
    },
  );
}

/** Reports progress to the client, if it has asked for it. */
function progressOf({ _meta, sendNotification }: Extra): ((message: string) => void) | undefined {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let progress = 0;
  return (message) => {
    const params = { progressToken, progress: ++progress, message };
    void sendNotification({ method: 'notifications/progress', params }).catch(() => {});
  };
}

function contentOf({ result, image }: Answer): CallToolResult {
  const picture = image && {
    type: 'image' as const,
    data: Buffer.from(image.bytes).toString('base64'),
    mimeType: `image/${image.format}`,
  };
  return { content: [{ type: 'text', text: JSON.stringify(result) }, ...(picture ? [picture] : [])] };
}
