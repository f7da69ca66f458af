import type * as z from 'zod';
import type { PictureFormat } from '../engine/pictures/metadata.ts';
import type { EditRequest, Engine, GenerateRequest } from '../shared/api.ts';
import type { BoundedFolders, Destination } from './folders.ts';

/** What a tool works with: the engine, and the files that it may touch. */
export interface Workplace {
  engine: Engine;
  folders: BoundedFolders;
  /** The user's settings for what a request leaves out. */
  settings: {
    generate(request: GenerateRequest): GenerateRequest;
    edit(request: EditRequest): EditRequest;
  };
}

export interface Call {
  signal?: AbortSignal;
  /** A line for the user. */
  onProgress?: (message: string) => void;
}

export interface Answer {
  /** What the agent reads, as JSON. */
  result: Record<string, unknown>;
  /** The image that it sees. */
  image?: { bytes: Uint8Array; format: PictureFormat };
}

/** Something that an agent can ask Patchwork to do; the same in VS Code and over the Model Context Protocol. */
export interface AgentTool<Schema extends z.ZodObject = z.ZodObject> {
  name: string;
  title: string;
  /** For the agent: what it does, when to use it. */
  description: string;
  /** JSON schema of its input. */
  schema: Schema;
  /** Whether it writes files. */
  writes: boolean;
  /** The question to the user before it runs, and what it will do. @throws InputError for input that it will refuse */
  question(
    input: z.output<Schema>,
    folders: BoundedFolders,
  ): Promise<{ title: string; about: string; text: string }>;
  run(input: z.output<Schema>, workplace: Workplace, call: Call): Promise<Answer>;
}

/** Where the answer of a tool will be saved, as a sentence. */
export async function savingSentence(folders: BoundedFolders, destination: Destination): Promise<string> {
  const { file, exists } = await folders.find(destination);
  return exists ? `Overwrites ${file}.` : `Saves ${file}.`;
}
