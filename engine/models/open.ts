import { cacheFolder, fs, hubEnvironment, path } from '#host';
import type { DecoderChoice, LoraChoice } from '../../shared/api.ts';
import { adapterOf } from '../../shared/stepPlan.ts';
import { InputError } from '../errors.ts';
import { isRepositoryId } from '../hub/repository-id.ts';
import { openAdapter } from '../weights/lora.ts';
import { ARCHITECTURES } from './architectures.ts';
import { catalogueEntry, inpaintingTwin } from './catalogue.ts';
import { DiffusionModel } from './diffusion-model.ts';
import { EMBEDDED, EMBEDDED_EDITING, embeddedModel, isEmbedded } from './embedded.ts';
import type { FolderOptions } from './folder.ts';
import { hubFolder, loraFileOf } from './installed.ts';
import type { Model } from './model.ts';
import { namedFiles, rootsFor } from './named-files.ts';
import type { FileParts } from './single-file/file-parts.ts';
import { SyntheticModel, type SyntheticOptions } from './synthetic.ts';

/** A model by folder, by name (`scenes`), or an architecture (`sd15`) with synthetic weights; or by its `id`. */
export async function openModel(name: string = EMBEDDED, options: SyntheticOptions = {}): Promise<Model> {
  const architecture = name.replace(/^arch:/, '');
  if (Object.hasOwn(ARCHITECTURES, architecture))
    return new SyntheticModel(architecture, syntheticFolder(), options);
  return openCheckpoint(name);
}

/** Options for opening a text-to-image model. */
export interface DrawingOptions extends FileParts {
  /** `fast`: TAESD takes the place of the model's own autoencoder. */
  decoder?: DecoderChoice;
  loras?: readonly LoraChoice[];
  /** Folders of other tools, in which a small decoder is looked for beside the model's own. */
  modelFolders?: readonly string[];
  /** A plan whose adapter is merged too: see `readStepPlan`. */
  stepPlan?: string | undefined;
}

/**
 * A model as `openCheckpoint` finds it, set up with another decoder, LoRA files and the adapter of a step plan;
 * `warnings` are for the user.
 */
export async function openDrawingModel(
  name: string = EMBEDDED,
  { decoder = 'own', loras = [], modelFolders, vae, textEncoders, prediction, stepPlan }: DrawingOptions = {},
): Promise<{ model: DiffusionModel; warnings: string[] }> {
  let model = await openCheckpoint(name, { vae, textEncoders, prediction });
  if (decoder === 'fast' && model.autoencoder.kind !== 'tiny') {
    const { id, place } = await fastDecoder(model, modelFolders);
    if (!id)
      throw new InputError(`${model.name} has no fast decoder: use its own decoder.`, { setting: 'decoder' });
    if (model.autoencoder.statistics)
      throw new InputError(
        `${model.name} has latents of its own (latents_mean and latents_std in vae/config.json), which the fast decoder does not know: use its own decoder.`,
        { setting: 'decoder' },
      );
    if (!place) throw decoderNotHere(model, id);
    model = await model.withAutoencoder(place);
  }
  model.requireComplete();
  const notes = [...model.notes];
  const own = await ownAdapter(model, stepPlan);
  if (loras.length === 0 && !own) return { model, warnings: notes };
  const adapters = loras.map(async ({ lora, strength }) => openAdapter(await loraFile(lora), strength));
  if (own) adapters.push(openAdapter(own, 1));
  const adapted = model.withAdapters(await Promise.all(adapters));
  return { model: adapted.model, warnings: [...notes, ...adapted.warnings] };
}

/** The adapter's file of a step plan, in the model's folder. @throws InputError if it is not there */
async function ownAdapter(
  { name, place }: DiffusionModel,
  stepPlan: string | undefined,
): Promise<string | undefined> {
  const adapter = adapterOf(stepPlan);
  if (adapter === undefined) return undefined;
  const file = path.join(place, adapter);
  const found = await fs.stat(file).catch(() => undefined);
  if (found?.isFile()) return file;
  throw new InputError(
    `${name} has no adapter ${adapter}, which the step plan is computed with: take the version of the model that it belongs to, or another plan or budget.`,
    { setting: 'budget' },
  );
}

/** Pixels for a position of the latents that `taesana` decodes. */
const DC_SCALE = 32;

/**
 * The small decoder for a model's latents: its name, undefined if there is none, and its place if it is on this machine:
 * TAESD installed from the hub, or a file in a folder `vae_approx`, as ComfyUI has it, beside the model or in one of
 * `folders`.
 */
export async function fastDecoder(
  model: DiffusionModel,
  folders: readonly string[] = [],
): Promise<{ id?: string; place?: string }> {
  const { kind, statistics, packed, scale } = model.autoencoder;
  const isDc = kind === 'dc' && scale === DC_SCALE;
  if (!isDc && (kind !== 'kl' || packed)) return {};
  const id = isDc ? 'taesana' : model.isXl ? 'taesdxl' : 'taesd';
  if (statistics) return { id };
  const hub = isDc ? undefined : await hubFolder(`madebyollin/${id}`, { cache: hubEnvironment.cache() });
  const roots = rootsFor(model.place, folders);
  const place = hub?.folder ?? (await namedFiles('decoder', roots)).get(`${id}_decoder`);
  return { id, ...(place && { place }) };
}

/** How to get a small decoder that is not on this machine. */
function decoderNotHere(model: DiffusionModel, id: string): InputError {
  if (id !== 'taesana') return notHere(`madebyollin/${id}`);
  return new InputError(
    `The fast decoder of ${model.name}, ${id}_decoder.pth of github.com/madebyollin/taesd, is not on this machine: put it into a folder vae_approx beside the model or in a folder of the setting patchwork.modelFolders, or name it with --vae FILE.`,
    { setting: 'decoder' },
  );
}

/**
 * A model that can draw: a folder, a single file, the embedded one, or one of the hub that is on this machine.
 * @throws InputError that says what is missing and how to get it
 */
export async function openCheckpoint(
  name: string = EMBEDDED,
  parts: FileParts = {},
): Promise<DiffusionModel> {
  const { place, ...known } = await located(name);
  // A setting for other models is no reason not to draw with the embedded one.
  const { textEncoders } = isEmbedded(name) ? {} : parts;
  return DiffusionModel.open(place, { ...parts, textEncoders, ...known });
}

/** The folder or file of a model that can generate; files that prompts name are looked for beside it. */
export async function placeOfModel(name: string = EMBEDDED): Promise<string> {
  return path.resolve((await located(name)).place);
}

/** Where a model is, and what is known of it by its name. @throws InputError as `openCheckpoint` */
async function located(name: string): Promise<{ place: string } & FolderOptions> {
  if (isEmbedded(name)) return { place: embeddedModel(name) };
  const found = await fs.stat(name).catch(() => undefined);
  if (found?.isDirectory() || found?.isFile()) return { place: name };
  const { files: [file] = [], purpose, recommended } = catalogueEntry(name) ?? {};
  const isFile = file !== undefined && purpose === 'pictures';
  if (isFile || isRepositoryId(name.split('@')[0]!)) {
    const here = await hubFolder(name, { cache: hubEnvironment.cache() });
    if (!here) throw notHere(name);
    return isFile
      ? { place: path.join(here.folder, file) }
      : { place: here.folder, name, ...(recommended && { recommended }) };
  }
  throw new InputError(
    `There is no model ${name}. A model is a folder or a file on this machine, ${EMBEDDED}, or a Hugging Face name (owner/name) that is installed.`,
    { setting: 'model' },
  );
}

/** The model that edits what another one draws. */
export interface EditingModel {
  name: string;
  /** An inpainting model that would do better, but is not on this machine. */
  missing?: string;
}

/**
 * The model that edits if a request names this one: the one that the user has `chosen` for it, else its inpainting twin
 * if that is on this machine, else itself.
 */
export async function editingModel(name: string = EMBEDDED, chosen?: string): Promise<EditingModel> {
  if (chosen) return { name: chosen };
  if (name === EMBEDDED) return { name: EMBEDDED_EDITING };
  const twin = inpaintingTwin(name);
  if (!twin) return { name };
  const here = await hubFolder(twin, { cache: hubEnvironment.cache() });
  return here ? { name: twin } : { name, missing: twin };
}

/** The file of a LoRA: a path, or a name of the hub that is on this machine. @throws InputError if there is none */
export async function loraFile(name: string): Promise<string> {
  const found = await fs.stat(name).catch(() => undefined);
  if (found?.isFile()) return path.resolve(name);
  if (!isRepositoryId(name.split('@')[0]!))
    throw new InputError(
      `LoRA file ${name} not found; it is a .safetensors file, or a Hugging Face name (owner/name) that is installed.`,
      { setting: 'loras' },
    );
  const file = await loraFileOf(name, { cache: hubEnvironment.cache() });
  if (!file) throw notHere(name);
  return file;
}

function notHere(id: string): InputError {
  return new InputError(
    `${id} is not on this machine. Download it with Patchwork: Manage Models… in VS Code, or patchwork models get ${id} in a terminal.`,
  );
}

/** Folder of synthetic weights. */
function syntheticFolder(): string {
  return path.join(cacheFolder(), 'synthetic');
}
