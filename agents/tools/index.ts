import type { AgentTool } from '../tool.ts';
import { describeTool } from './describe.ts';
import { editTool } from './edit.ts';
import { generateTool } from './generate.ts';
import { selectTool } from './select.ts';

/** All tools. Their inputs are checked by their schemas before `question` and `run` are called. */
export const AGENT_TOOLS = [
  generateTool,
  editTool,
  selectTool,
  describeTool,
] as unknown as readonly AgentTool[];
