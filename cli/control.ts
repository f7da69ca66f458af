import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../engine/errors.ts';
import { EMBEDDED, EMBEDDED_CONTROL } from '../engine/models/embedded.ts';
import {
  CONTROL_HINTS,
  type ControlChoice,
  type GenerateRequest,
  type ReferenceChoice,
  type RegionChoice,
} from '../shared/api.ts';
import { LIMITS } from '../shared/limits.ts';
import { readImage } from './images.ts';
import { decimal } from './options.ts';

type Given = Omit<ControlChoice, 'image' | 'model'> & { file: string };
type Referred = Omit<ReferenceChoice, 'image' | 'mask'> & { file: string };
type Region = Omit<RegionChoice, 'mask'> & { file: string };

export interface ControlOptions {
  model?: string;
  control?: Given[];
  controlModel?: string[];
  controlStrength?: number;
  guess?: boolean;
  reference?: Referred[];
  referenceMask?: string[];
  referenceModel?: string;
  referenceEncoder?: string;
  region?: Region[];
}

const addText = (text: string, before: string[] = []): string[] => [...before, text];

export function withControlOptions(command: Command): Command {
  const { min, max } = LIMITS.controlStrength;
  return command
    .addOption(
      new Option(
        '--control <image>',
        'an image that steers the result, as [canny=|scribble=]FILE[:strength[:start-end]]; canny and scribble draw its outlines first; may be given several times',
      ).argParser(addControl),
    )
    .addOption(
      new Option(
        '--control-model <model>',
        'the ControlNet or T2I-Adapter that reads it: a folder, or one from Hugging Face; one for all, or one for each image; Scenes has its own for outlines',
      ).argParser(addText),
    )
    .addOption(
      new Option('--control-strength <s>', `of the images that say none, ${min}–${max}`).argParser(
        decimal(min, max),
      ),
    )
    .option('--guess', 'let the images count more than the prompt (guess mode of ControlNet)')
    .addOption(
      new Option(
        '--reference <image>',
        'an image that is seen as a prompt, as FILE[:strength], or that the prompt of FLUX.2 is about; may be given several times',
      ).argParser(addReference),
    )
    .addOption(
      new Option(
        '--reference-mask <image>',
        'white where the result sees a reference; one for each of them, in their order',
      ).argParser(addText),
    )
    .option('--reference-model <file>', 'the IP-Adapter that reads references, for Stable Diffusion')
    .option('--reference-encoder <folder>', 'its image encoder, where it is not beside it')
    .addOption(
      new Option(
        '--region <prompt@mask>',
        'a prompt for a part of the image, and an image that is white there; elsewhere the main prompt counts; may be given several times',
      ).argParser(addRegion),
    );
}

/** `FILE[:strength]`. */
function addReference(text: string, before: Referred[] = []): Referred[] {
  const [, file = text, strength] = /^(.+?):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  return [...before, { file, ...(strength !== undefined && { strength: Number(strength) }) }];
}

/** `PROMPT@FILE`; the prompt may have an @ too. */
function addRegion(text: string, before: Region[] = []): Region[] {
  const [, prompt = '', file] = /^(.+)@([^@]+)$/s.exec(text) ?? [];
  if (file === undefined || prompt.trim() === '')
    throw new InvalidArgumentError('It must be a prompt and an image of its part: "a red house@left.png".');
  return [...before, { prompt, file }];
}

/** `[canny=|scribble=]FILE[:strength[:start-end]]`. */
function addControl(text: string, before: Given[] = []): Given[] {
  const [, named, rest = ''] = new RegExp(`^(?:(${CONTROL_HINTS.join('|')})=)?(.+)$`).exec(text) ?? [];
  const [, file = rest, strength, start, end] =
    /^(.+?)(?::(\d+(?:\.\d+)?))(?::(\d*\.?\d+)-(\d*\.?\d+))?$/.exec(rest) ?? [];
  if (rest === '') throw new InvalidArgumentError('It must name an image.');
  const hint = CONTROL_HINTS.find((name) => name === named);
  const given = {
    file,
    ...(hint && { hint }),
    ...(strength !== undefined && { strength: Number(strength) }),
    ...(start !== undefined && { start: Number(start), end: Number(end) }),
  };
  return [...before, given];
}

/** The part of a request that these options make; the images are read. */
export async function steeringRequest(options: ControlOptions) {
  const regions = (options.region ?? []).map(async ({ prompt, file }) => ({
    prompt,
    mask: await readImage(file),
  }));
  return {
    ...(await controlRequest(options)),
    ...(await referenceRequest(options)),
    ...(regions.length > 0 && { regions: await Promise.all(regions) }),
  };
}

async function referenceRequest({
  reference = [],
  referenceMask = [],
  referenceModel,
  referenceEncoder,
}: ControlOptions): Promise<Pick<GenerateRequest, 'references' | 'referenceModel' | 'referenceEncoder'>> {
  if (reference.length === 0) {
    if (referenceModel === undefined && referenceMask.length === 0) return {};
    throw new InputError('Say with --reference which image is seen as a prompt.');
  }
  if (referenceMask.length > 0 && referenceMask.length !== reference.length)
    throw new InputError('Give one --reference-mask for each --reference, or none.');
  const references = reference.map(async ({ file, ...given }, i) => ({
    ...given,
    image: await readImage(file),
    ...(referenceMask[i] !== undefined && { mask: await readImage(referenceMask[i]) }),
  }));
  return {
    references: await Promise.all(references),
    ...(referenceModel !== undefined && { referenceModel }),
    ...(referenceEncoder && { referenceEncoder }),
  };
}

async function controlRequest({
  control = [],
  model = EMBEDDED,
  controlModel: named = [],
  controlStrength,
  guess,
}: ControlOptions): Promise<{ controls?: ControlChoice[] }> {
  if (control.length === 0 && named.length === 0) return {};
  if (control.length === 0) throw new InputError('Say with --control which image steers the result.');
  const controlModel = named.length === 0 && model === EMBEDDED ? [EMBEDDED_CONTROL] : named;
  if (controlModel.length !== 1 && controlModel.length !== control.length)
    throw new InputError(
      `Say with --control-model what reads the ${control.length > 1 ? `${control.length} control images: one model for all, or one for each` : 'control image'}.`,
    );
  const controls = control.map(async ({ file, ...given }, i) => ({
    strength: controlStrength,
    ...given,
    ...(guess && { guess }),
    image: await readImage(file),
    model: controlModel[i] ?? controlModel[0]!,
  }));
  return { controls: await Promise.all(controls) };
}
