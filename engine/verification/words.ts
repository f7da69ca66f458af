import { fs, path } from '#host';
import { floats, int64 } from '../graph/tensor.ts';
import { placeOf } from '../models/networks.ts';
import { textInputs, textWidth } from '../networks/clip-text.ts';
import { openEmbedding } from '../weights/embeddings.ts';
import { readFloat32 } from '../weights/read.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Comparison, Reference } from './reference.ts';

/** Prefixes of the references, the text encoder that they are of, and how many vectors the word has; see `vectors`. */
const TEXTS = [
  ['text', 'text-encoder', undefined],
  ['text_one', 'text-encoder', 1],
  ['text_2', 'text-encoder-2', undefined],
] as const;

/**
 * Compares text encoders' states for trained words, for every file of them beside the references. In the ids
 * the vocabulary's size + k stands for the word's vector k.
 */
export async function compareWords(checkpoint: Checkpoint, expected: Reference): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const usual = Number(expected.metadata('vectors'));
  const words = await wordsIn(checkpoint.root, expected.origin);
  for (const [prefix, role, count = usual] of TEXTS) {
    if (!expected.has(`${prefix}.input_ids`)) continue;
    const network = await checkpoint.network(role, placeOf(role).folder);
    const width = textWidth(network);
    const ids = int64(await expected.integers(`${prefix}.input_ids`), expected.shape(`${prefix}.input_ids`));
    for (const { file, values } of words) {
      if (values.at(0)?.length !== width || values.length !== count) continue;
      const outputs = await (await checkpoint.program(role)).run(textInputs(network, ids, values));
      for (const name of ['last_hidden_state', 'penultimate'])
        comparisons.push(
          await expected.compare(
            `${prefix}.${name}`,
            floats(outputs, name),
            undefined,
            `${prefix}.${name} (${file})`,
          ),
        );
      if (!expected.has(`${prefix}.text_embeds`)) continue;
      const { data, dims } = outputs.projected!;
      const channels = dims[2]!;
      const rows = [...firstEnds(ids.data as BigInt64Array, dims[1]!)];
      const pooled = rows.flatMap((row) => [
        ...(data as Float32Array).subarray(row * channels, (row + 1) * channels),
      ]);
      const name = `${prefix}.text_embeds`;
      comparisons.push(
        await expected.compare(name, Float32Array.from(pooled), undefined, `${name} (${file})`),
      );
    }
  }
  return comparisons;
}

async function wordsIn(root: string, origin: string) {
  const files = (await fs.readdir(root)).filter((name) => name.endsWith('.safetensors'));
  const words: { file: string; values: Float32Array[] }[] = [];
  for (const file of files.filter((name) => path.resolve(root, name) !== path.resolve(origin)).sort())
    for (const { vectors } of await openEmbedding(path.join(root, file)))
      for (const tensor of Object.values(vectors)) {
        const width = tensor.shape.at(-1)!;
        const all = await readFloat32(tensor);
        const values = Array.from({ length: all.length / width }, (_, i) =>
          all.slice(i * width, (i + 1) * width),
        );
        words.push({ file, values });
      }
  return words;
}

/** The place of the first end of text in each row: the same id ends all of them, and fills some up. */
function* firstEnds(ids: BigInt64Array, length: number): Iterable<number> {
  const [begin] = ids;
  const end = begin! + 1n;
  for (let row = 0; row < ids.length; row += length) yield row + ids.subarray(row, row + length).indexOf(end);
}
