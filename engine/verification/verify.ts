import { fs, path } from '#host';
import { InputError } from '../errors.ts';
import type { Backend } from '../execution/backend.ts';
import type { FileParts } from '../models/single-file/file-parts.ts';
import { openAdapter } from '../weights/lora.ts';
import { compareAdapters } from './adapters.ts';
import { Checkpoint, type Subject } from './checkpoint.ts';
import { CONTROL_FILE, compareControl } from './control.ts';
import { compareInpainting } from './inpainting.ts';
import { compareAutoencoders, compareDenoiser, compareSamplers, compareText } from './networks.ts';
import { comparePackedAutoencoder, comparePackedSampling } from './packed-latents.ts';
import { comparePatches } from './patches.ts';
import { type Comparison, DENOISER, Reference } from './reference.ts';
import { compareReferences } from './references.ts';
import { compareEdits } from './regions.ts';
import { subjectAt } from './subject.ts';
import { compareTokenBands, compareTokenEdits } from './transformer-regions.ts';
import { compareLanguage, compareTransformer, compareTransformerSamplers } from './transformers.ts';
import { compareVision } from './vision.ts';
import { compareWords } from './words.ts';

interface Verification {
  tensors: Comparison[];
  /** The tensor whose error is largest, relative to its limit. */
  worst: { name: string; relative: number };
  pass: boolean;
}

/** Parts of the checkpoint that the user names. */
type VerifyOptions = Pick<FileParts, 'vae' | 'textEncoders'>;

/** Largest relative error on a GPU, which adds in another order than a processor. */
const DEVICE_LIMIT = 2e-3;

/**
 * Compares a checkpoint with the reference tensors beside it: `expected.safetensors` (networks and samplers) and, if
 * there is one, `regions.safetensors` (passes over a part of the image). Both were written by diffusers; those of a
 * segmenter or a tagger by PyTorch. LoRA files are compared by their effect on another folder's network.
 * `test/fixtures/parity/README.md` explains the tensors.
 * @param place a folder in the diffusers layout, a single file, or a folder with one named `checkpoint`
 */
export async function verify(
  place: string,
  backend: Backend,
  options: VerifyOptions = {},
): Promise<Verification> {
  const control = await controlFileAt(path.resolve(place));
  if (control) return judged(await compareControl(path.resolve(place), control, backend), control, backend);
  const subject = await subjectAt(place, options);
  const { root } = subject;
  const expected = await Reference.open(path.join(root, 'expected.safetensors'));
  // A diffusion model has its configs in the folders of its parts.
  if (await fs.exists(path.join(root, 'config.json')))
    return judged(await compareVision(root, expected, backend), expected, backend);
  if (expected.metadata('base'))
    return judged(await compareAdapters(root, expected, backend), expected, backend);
  const layers = expected.metadata('text_encoder_out_layers')?.split(',').map(Number);
  const tensors = await compareCheckpoint({ ...subject, layers }, expected, backend);
  if (subject.averaged)
    tensors.push(
      ...(await comparing(new Checkpoint({ ...subject, find: subject.averaged }, backend), (checkpoint) =>
        compareDenoiser(checkpoint, expected, `${DENOISER}_ema`),
      )),
    );
  const lora = path.join(root, 'lora.safetensors');
  if (await fs.exists(lora)) {
    const adapters = [await openAdapter(lora, LORA_STRENGTH)];
    tensors.push(
      ...(await comparing(new Checkpoint(subject, backend, adapters), async (checkpoint) => [
        ...(await compareText(checkpoint, expected, 'lora.')),
        ...(await compareDenoiser(checkpoint, expected, `lora.${DENOISER}`)),
      ])),
    );
  }
  return judged(tensors, expected, backend);
}

/** Strengths at which references have a LoRA file merged. */
const LORA_STRENGTH = 0.8;

function compareCheckpoint(subject: Subject, expected: Reference, backend: Backend): Promise<Comparison[]> {
  return comparing(new Checkpoint(subject, backend), async (checkpoint) => {
    const tensors = [
      ...(await (expected.metadata('vectors') ? compareWords : compareText)(checkpoint, expected)),
      ...(await compareLanguage(checkpoint, expected)),
      ...(await compareDenoiser(checkpoint, expected)),
      ...(await compareTransformer(checkpoint, expected)),
      ...(await compareAutoencoders(checkpoint, expected)),
      ...(await comparePackedAutoencoder(checkpoint, expected)),
      ...(await compareSamplers(checkpoint, expected)),
      ...(await compareTransformerSamplers(checkpoint, expected)),
      ...(await comparePackedSampling(checkpoint, expected)),
      ...(await compareInpainting(checkpoint, expected)),
      ...(await compareControl(subject.root, expected, backend)),
      ...(await compareReferences(subject.root, expected, backend)),
    ];
    const regionsFile = path.join(subject.root, 'regions.safetensors');
    if (!(await fs.exists(regionsFile))) return tensors;
    const regions = await Reference.open(regionsFile);
    if (subject.denoiser === 'transformer')
      return [
        ...tensors,
        ...(await compareTokenEdits(checkpoint, expected, regions)),
        ...(await compareTokenBands(checkpoint, expected, regions)),
      ];
    tensors.push(...(await compareEdits(checkpoint, expected, regions)));
    tensors.push(...(await comparePatches(checkpoint, expected, regions)));
    return tensors;
  });
}

async function comparing(
  checkpoint: Checkpoint,
  compare: (checkpoint: Checkpoint) => Promise<Comparison[]>,
): Promise<Comparison[]> {
  try {
    return await compare(checkpoint);
  } finally {
    await checkpoint.release();
  }
}

/** The references of a folder that holds a ControlNet in one file, which is no model that draws. */
async function controlFileAt(root: string): Promise<Reference | undefined> {
  const [file, references] = [CONTROL_FILE, 'expected.safetensors'].map((name) => path.join(root, name));
  if (!(await fs.exists(file!)) || !(await fs.exists(references!))) return undefined;
  const expected = await Reference.open(references!);
  return expected.has('control.image') ? expected : undefined;
}

function judged(compared: Comparison[], expected: Reference, { device }: Backend): Verification {
  if (compared.length === 0) throw new InputError(`${expected.origin} holds nothing that can be compared.`);
  const least = device === 'cpu' ? 0 : DEVICE_LIMIT;
  const tensors = compared.map((one) => ({ ...one, limit: Math.max(one.limit, least) }));
  const worst = tensors.reduce((a, b) => (a.relative / a.limit >= b.relative / b.limit ? a : b));
  return {
    tensors,
    worst: { name: worst.name, relative: worst.relative },
    pass: tensors.every(({ relative, limit }) => relative <= limit),
  };
}
