import { fs, hubEnvironment, path } from '#host';
import { InputError, quoted } from '../errors.ts';
import type { Network } from '../graph/network.ts';
import { isRepositoryId } from '../hub/repository-id.ts';
import { readJson } from '../json.ts';
import {
  type ControlNetConfig,
  checkControlFits,
  hintEncoder,
  parseControlNetConfig,
} from '../networks/controlnet.ts';
import {
  checkAdapterFits,
  parseT2IAdapterConfig,
  type T2IAdapterConfig,
  t2iAdapter,
} from '../networks/t2i-adapter.ts';
import type { Steering } from '../networks/unet.ts';
import type { UNetConfig } from '../networks/unet-config.ts';
import { openWeights } from '../weights/folder.ts';
import type { WeightSource } from '../weights/source.ts';
import { openTensors } from '../weights/tensor-file.ts';
import { EMBEDDED_CONTROL, embeddedModel } from './embedded.ts';
import { hubFolder } from './installed.ts';
import { controlNetIn, t2iAdapterIn } from './single-file/controlnet.ts';

/** A network that lets a picture steer an image: a ControlNet, or a T2I-Adapter. */
export interface ControlModel {
  /** Unique id: the folder's or the file's absolute path. */
  id: string;
  kind: 'controlnet' | 'adapter';
  config: ControlNetConfig | T2IAdapterConfig;
  /** From the picture to what the denoiser reads at every step; computed once a picture. */
  encoder: Network;
  weights(): Promise<WeightSource>;
}

/**
 * The embedded one, a folder in the diffusers layout, a file, or a name of the hub that is on this machine.
 * @throws InputError for anything else
 */
export async function openControlModel(name: string): Promise<ControlModel> {
  if (name === EMBEDDED_CONTROL) return inFolder(embeddedModel(name));
  const found = await fs.stat(name).catch(() => undefined);
  if (found?.isFile()) return inFile(path.resolve(name));
  return inFolder(await folderOf(name, found?.isDirectory() === true));
}

async function inFolder(folder: string): Promise<ControlModel> {
  const file = path.join(folder, 'config.json');
  const json = await readJson(file, { hint: 'Is it a ControlNet or a T2I-Adapter in the diffusers layout?' });
  return modelOf(folder, json, file, () => openWeights(folder, 'diffusion_pytorch_model'));
}

/** A ControlNet or an adapter in one file, whose config is read off its tensors. */
async function inFile(file: string): Promise<ControlModel> {
  const source = await openTensors(file);
  const control = controlNetIn(source);
  if (control) return modelOf(file, control.config, file, async () => control.weights);
  const adapter = t2iAdapterIn(source);
  if (adapter) return modelOf(file, adapter.config, file, async () => adapter.weights);
  throw new InputError(`${file} is neither a ControlNet nor a T2I-Adapter that is known.`);
}

function modelOf(
  id: string,
  json: unknown,
  origin: string,
  weights: () => Promise<WeightSource>,
): ControlModel {
  const className = (json as { _class_name?: unknown } | null)?._class_name;
  if (className === 'ControlNetModel') {
    const config = parseControlNetConfig(json, origin);
    return { id, kind: 'controlnet', config, encoder: hintEncoder(config), weights };
  }
  if (className === 'T2IAdapter') {
    const config = parseT2IAdapterConfig(json, origin);
    return { id, kind: 'adapter', config, encoder: t2iAdapter(config), weights };
  }
  throw new InputError(
    `${origin}: ${quoted(className)} cannot steer an image; supported: ControlNetModel, T2IAdapter.`,
  );
}

async function folderOf(name: string, isFolder: boolean): Promise<string> {
  if (isFolder) return path.resolve(name);
  const here = isRepositoryId(name) ? await hubFolder(name, { cache: hubEnvironment.cache() }) : undefined;
  if (here) return here.folder;
  throw new InputError(
    `There is no ControlNet or T2I-Adapter ${name} here; it is a file, a folder in the diffusers layout, or a Hugging Face name (owner/name) that is installed.`,
  );
}

export function isControlNet(model: ControlModel): model is ControlModel & { config: ControlNetConfig } {
  return model.kind === 'controlnet';
}

/**
 * The inputs that these models add to a U-Net.
 * @param elsewhere features of T2I-Adapters that are not among the models
 * @throws InputError for one that is made for another family
 */
export function steeringBy(models: readonly ControlModel[], base: UNetConfig, elsewhere = 0): Steering {
  const controls: UNetConfig[] = [];
  let features = elsewhere;
  for (const model of models) {
    if (isControlNet(model)) {
      checkControlFits(model.config.unet, base, model.id);
      controls.push(model.config.unet);
    } else {
      const config = model.config as T2IAdapterConfig;
      checkAdapterFits(config, base, model.id);
      features = Math.max(features, config.channels.length);
    }
  }
  return { controls, features };
}

/** A denoiser's weights with those of its ControlNets, as `Steering` names them. */
export async function withControlWeights(
  base: WeightSource,
  models: readonly ControlModel[],
): Promise<WeightSource> {
  const controls = await Promise.all(models.filter(isControlNet).map((model) => model.weights()));
  const prefix = (k: number) => `controls.${k}.`;
  return {
    origin: base.origin,
    *names() {
      yield* base.names();
      for (const [k, source] of controls.entries()) for (const name of source.names()) yield prefix(k) + name;
    },
    find(name) {
      const [start, k, rest] = /^controls\.(\d+)\.(.+)$/.exec(name) ?? [];
      return start === undefined ? base.find(name) : controls[Number(k)]?.find(rest!);
    },
  };
}
