import type { Workbench } from './harness.ts';

interface Answered {
  result?: Record<string, unknown>;
  error?: string;
  /** Whether an image came with it. */
  image: boolean;
}

/** `callTool` in a given VS Code. */
export type AgentCall =
  Parameters<typeof callTool> extends [unknown, ...infer Rest] ? (...args: Rest) => Promise<Answered> : never;

/** Calls a tool as a chat agent does. `agree`: what the question to the user says; undefined if none may come. */
export async function callTool(
  vscode: Workbench,
  name: string,
  input: object,
  agree?: { title: string; text: string },
): Promise<Answered> {
  const called = vscode.inHost(
    async ({ lm }, tool, asked) => {
      try {
        const { content } = await lm.invokeTool(`patchwork_${tool}`, {
          input: asked as object,
          toolInvocationToken: undefined,
        });
        const [text, image] = content as { value?: string; mimeType?: string }[];
        return { text: text?.value, image: image !== undefined };
      } catch (error) {
        return { error: String(error), image: false };
      }
    },
    name,
    input,
  );
  if (agree) {
    const question = vscode.page.locator('.monaco-dialog-box', { hasText: agree.title });
    await question.getByText(agree.text).first().waitFor();
    await question.getByRole('button', { name: 'Yes' }).click();
  }
  const { text, error, image } = (await called) as { text?: string; error?: string; image: boolean };
  return { result: text === undefined ? undefined : JSON.parse(text), error, image };
}
