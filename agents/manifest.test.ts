import assert from 'node:assert/strict';
import test from 'node:test';
import packageJson from '../package.json' with { type: 'json' };
import { inputSchemaOf } from './schema.ts';
import { AGENT_TOOLS } from './tools/index.ts';

test("VS Code's manifest offers the tools with their own descriptions and schemas", () => {
  const offered = packageJson.contributes.languageModelTools;
  assert.deepEqual(
    offered.map(({ name, modelDescription, inputSchema }) => ({ name, modelDescription, inputSchema })),
    AGENT_TOOLS.map((tool) => ({
      name: `patchwork_${tool.name}`,
      modelDescription: tool.description,
      inputSchema: inputSchemaOf(tool),
    })),
  );
});

test('a seed of -1 is random, as in other tools', () => {
  for (const { name, schema } of AGENT_TOOLS) {
    if (!('seed' in schema.shape)) continue;
    const all = { prompt: 'a house', image: 'a.png', object: 'house' };
    const asked = Object.fromEntries(Object.entries(all).filter(([key]) => key in schema.shape));
    assert.deepEqual(schema.parse({ ...asked, seed: -1 }).seed, undefined, name);
    assert.deepEqual(schema.parse({ ...asked, seed: 7 }).seed, 7, name);
    assert.ok(!schema.safeParse({ ...asked, seed: -2 }).success, name);
  }
});
