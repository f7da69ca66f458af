import { fs, path } from '#host';
import { InputError } from '../errors.ts';
import type { Backend } from '../execution/backend.ts';
import { compareAdapters } from './adapters.ts';
import { Checkpoint } from './checkpoint.ts';
import { compareControl } from './control.ts';
import { compareInpainting } from './inpainting.ts';
import { compareAutoencoders, compareSamplers, compareText, compareUNet } from './networks.ts';
import { comparePatches } from './patches.ts';
import { type Comparison, Reference } from './reference.ts';
import { compareReferences } from './references.ts';
import { compareEdits } from './regions.ts';
import { compareTokenEdits } from './transformer-regions.ts';
import { compareLanguage, compareTransformer, compareTransformerSamplers } from './transformers.ts';
import { compareVision } from './vision.ts';
import { compareWords } from './words.ts';

interface Verification {
  tensors: Comparison[];
  /** The tensor whose error is largest, relative to its limit. */
  worst: { name: string; relative: number };
  pass: boolean;
}

/**
 * Compares a model folder with the reference tensors in it: `expected.safetensors` (networks and samplers) and, if
 * there is one, `regions.safetensors` (passes over a part of the image). Both were written by diffusers; those of a
 * segmenter or a tagger by PyTorch. A folder of LoRA files is compared by what they make of another folder's network. `test/fixtures/parity/README.md` explains the tensors.
 */
export async function verify(folder: string, backend: Backend): Promise<Verification> {
  const root = path.resolve(folder);
  const expected = await Reference.open(path.join(root, 'expected.safetensors'));
  // A diffusion model has its configs in the folders of its parts.
  if (await fs.exists(path.join(root, 'config.json')))
    return judged(await compareVision(root, expected, backend), expected);
  if (expected.metadata('base')) return judged(await compareAdapters(root, expected, backend), expected);
  const regionsFile = path.join(root, 'regions.safetensors');
  const hasRegions = await fs.exists(regionsFile);
  const isTransformer = await fs.exists(path.join(root, 'transformer', 'config.json'));
  const checkpoint = new Checkpoint(root, isTransformer ? 'transformer' : 'unet', backend);
  const tensors: Comparison[] = [];
  try {
    tensors.push(
      ...(await (expected.metadata('vectors') ? compareWords : compareText)(checkpoint, expected)),
    );
    tensors.push(...(await compareLanguage(checkpoint, expected)));
    tensors.push(...(await compareUNet(checkpoint, expected)));
    tensors.push(...(await compareTransformer(checkpoint, expected)));
    tensors.push(...(await compareAutoencoders(checkpoint, expected)));
    tensors.push(...(await compareSamplers(checkpoint, expected)));
    tensors.push(...(await compareTransformerSamplers(checkpoint, expected)));
    tensors.push(...(await compareInpainting(checkpoint, expected)));
    tensors.push(...(await compareControl(root, expected, backend)));
    tensors.push(...(await compareReferences(root, expected, backend)));
    if (hasRegions) {
      const regions = await Reference.open(regionsFile);
      if (isTransformer) tensors.push(...(await compareTokenEdits(checkpoint, expected, regions)));
      else {
        tensors.push(...(await compareEdits(checkpoint, expected, regions)));
        tensors.push(...(await comparePatches(checkpoint, expected, regions)));
      }
    }
  } finally {
    await checkpoint.release();
  }
  return judged(tensors, expected);
}

function judged(tensors: Comparison[], expected: Reference): Verification {
  if (tensors.length === 0) throw new InputError(`${expected.origin} holds nothing that can be compared.`);
  const worst = tensors.reduce((a, b) => (a.relative / a.limit >= b.relative / b.limit ? a : b));
  return {
    tensors,
    worst: { name: worst.name, relative: worst.relative },
    pass: tensors.every(({ relative, limit }) => relative <= limit),
  };
}
