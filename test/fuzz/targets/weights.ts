import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../../engine/errors.ts';
import { networkOf } from '../../../engine/models/networks.ts';
import { otherKind } from '../../../engine/models/single-file/kind.ts';
import { openTextEncoders } from '../../../engine/models/single-file/placed.ts';
import { sectionsOf } from '../../../engine/models/single-file/sections.ts';
import { unetConfigOf } from '../../../engine/models/single-file/unet.ts';
import { parseUNetConfig } from '../../../engine/networks/unet-config.ts';
import { readFloat32, readInt64 } from '../../../engine/weights/read.ts';
import type { StoredTensor } from '../../../engine/weights/source.ts';
import { openTensors } from '../../../engine/weights/tensor-file.ts';
import { ggufBytes } from '../../support/gguf.ts';
import {
  caseFolder,
  damaged,
  oddText,
  type Target,
  target,
  valueOrSentence,
  withCaseFile,
} from '../target.ts';

const fixtures = path.join(import.meta.dirname, '..', '..', 'fixtures');
const folder = caseFolder();

/** A file is refused with a sentence that names it, or each of its tensors is inside it and can be read. */
function check(bytes: Uint8Array): Promise<void> {
  return withCaseFile(folder, bytes, (file) => checkFile(file, bytes.length));
}

async function checkFile(file: string, size: number): Promise<void> {
  let names: string[];
  try {
    const source = await openTensors(file);
    names = [...source.names()];
    for (const name of names) await checkTensor(source.find(name)!, size);
  } catch (error) {
    assert.ok(error instanceof InputError, String((error as Error).stack));
    assert.ok(error.message.includes(file) && error.message.length < 2000, error.message);
    assert.ok(!/\p{Cc}/u.test(error.message), error.message);
  }
}

async function checkTensor(tensor: StoredTensor, size: number): Promise<void> {
  const { offset, length, shape, dtype } = tensor;
  assert.ok(offset >= 0 && length >= 0 && offset + length <= size, `${offset} + ${length} of ${size}`);
  const count = shape.reduce((a, b) => a * b, 1);
  const values = /^[IUB](?!F)/.test(dtype) ? await readInt64(tensor) : await readFloat32(tensor);
  assert.equal(values.length, count);
}

const files = (folderName: string, names: readonly string[]) =>
  fc.oneof(...names.map((name) => damaged(readFileSync(path.join(fixtures, folderName, name)))));

/** Tensors by names that are close to those of a checkpoint. */
const shapes = fc.dictionary(
  fc.oneof(
    oddText,
    fc
      .tuple(
        fc.constantFrom('model.diffusion_model.', '', 'cond_stage_model.model.', 'first_stage_model.'),
        fc.constantFrom(
          'input_blocks.0.0.weight',
          'time_embed.0.weight',
          'input_blocks.1.0.in_layers.2.weight',
          'input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight',
          'input_blocks.2.0.op.weight',
          'middle_block.1.norm.weight',
          'output_blocks.0.0.in_layers.2.weight',
          'output_blocks.0.1.conv.weight',
          'transformer.resblocks.0.ln_1.weight',
          'transformer.resblocks.0.attn.in_proj_weight',
          'positional_embedding',
          'text_projection',
          'decoder.conv_in.weight',
          'decoder.mid.block_1.conv1.weight',
        ),
      )
      .map((parts) => parts.join('')),
  ),
  fc.array(fc.nat({ max: 9 }), { maxLength: 4 }),
  { maxKeys: 16 },
);

/** GGUF files of small language models, with tensors and metadata that are missing, odd or of another architecture. */
const language = fc
  .record({
    architecture: fc.constantFrom('gemma2', 'qwen3', 'llama', 't5encoder', '__proto__'),
    tensors: fc.array(
      fc.tuple(
        fc.constantFrom(
          ...['token_embd', 'output_norm', 'rope_freqs', 'blk.0.attn_q', 'blk.0.attn_k', 'blk.1.attn_q'],
          ...['blk.0.ffn_gate', 'blk.0.ffn_norm', 'layers.0.mlp.gate_proj', 'blk.0.constructor'],
        ),
        fc.array(fc.nat({ max: 64 }), { maxLength: 3 }),
      ),
      { maxLength: 8 },
    ),
    metadata: fc.dictionary(
      fc.constantFrom(
        ...['attention.head_count', 'attention.head_count_kv', 'attention.key_length', 'rope.freq_base'],
        ...['attention.layer_norm_rms_epsilon', 'attention.sliding_window', 'rope.scaling.type'],
      ),
      fc.oneof(fc.nat({ max: 64 }), fc.float(), oddText),
    ),
  })
  .map(({ architecture, tensors, metadata }) => {
    const shapes = new Map<string, number[]>([['token_embd', [8, 32]], ...tensors]);
    const written = [...shapes].map(([name, shape]) => ({
      name: `${name}.weight`,
      shape,
      values: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    }));
    const named = Object.entries(metadata).map(([key, value]) => [`${architecture}.${key}`, value] as const);
    const facts = { 'general.architecture': architecture, ...Object.fromEntries(named) };
    return ggufBytes(written, 'Q8_0', facts);
  });

export const weightTargets: readonly Target[] = [
  target(
    'files of PyTorch: refused by name, or tensors inside the file',
    files('pickles', ['plain.pt', 'plain.legacy.pt', 'inversion.pt', 'inversion.legacy.pt']),
    check,
  ),
  target(
    'safetensors: refused by name, or tensors inside the file',
    files('.', ['upscalers/compact-x2.safetensors', 'parity/embeddings/sdxl.safetensors']),
    check,
  ),
  target('GGUF: refused by name, or tensors inside the file', files('gguf', ['types.gguf']), check),
  target('a language model in GGUF: a network, or a sentence', language, (bytes) =>
    withCaseFile(folder, bytes, async (file) => {
      await valueOrSentence(async () => {
        for (const { placed } of await openTextEncoders([file]))
          networkOf('text-encoder', placed.config, placed.origin);
      });
    }),
  ),
  target('the networks of a checkpoint', shapes, (named) => {
    const tensors = new Map(
      Object.entries(named).map(([name, shape]): [string, StoredTensor] => {
        const length = 4 * shape.reduce((a, b) => a * b, 1);
        return [name, { name, dtype: 'F32', shape, file: 'x', offset: 0, length }];
      }),
    );
    const source = { origin: 'x', names: () => tensors.keys(), find: (name: string) => tensors.get(name) };
    const sections = sectionsOf(source);
    assert.ok(otherKind(source, sections).length < 300);
    for (const tensor of [sections.unet, sections.autoencoder, ...sections.texts.map((text) => text.tensors)])
      for (const { offset, length } of tensor?.values() ?? [])
        assert.ok(Number.isFinite(offset) && Number.isFinite(length) && length >= 0);
    try {
      if (sections.unet) parseUNetConfig(unetConfigOf(sections.unet, 'x').config, 'x');
    } catch (error) {
      assert.ok(error instanceof InputError, String(error));
    }
  }),
];
