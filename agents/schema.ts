import * as z from 'zod';
import type { AgentTool } from './tool.ts';

/** The JSON schema of a tool's input, as VS Code's manifest has it. */
export function inputSchemaOf({ schema }: AgentTool): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return rest;
}
