/** Which model this is: for machines that share work, and to notice that its files have changed. */
import { fs, path, sha256 } from '#host';
import { adapterOf } from '../../shared/stepPlan.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import { fileHash } from '../weights/file-hash.ts';
import { versionsOf } from '../weights/file-version.ts';
import { configBeside } from '../weights/lora-alphas.ts';
import type { FileVersion, WeightSource } from '../weights/source.ts';
import type { ControlModel } from './control-model.ts';
import { DiffusionModel } from './diffusion-model.ts';
import type { Model } from './model.ts';
import type { NetworkRole } from './networks.ts';

/** Identifies a model wherever it is stored: a hash of its networks, weights, tokenizers and sampler's config. */
export async function contentHash(model: Model): Promise<string> {
  const hash = sha256();
  const files = new Set<string>();
  for (const role of partsOf(model)) {
    const network = model.network(role);
    hash.update(JSON.stringify(network.operators));
    // A single file may lack parts; generating would ask for them.
    const weights = await (role === 'denoiser'
      ? model.weights(role)
      : model.weights(role).catch(() => undefined));
    if (weights) for (const file of filesOf(network, weights)) files.add(file);
  }
  for (const file of [...files].sort()) hash.update(await fileHash(file));
  if (model instanceof DiffusionModel) {
    hash.update(model.settings);
    for (const { file } of await tokenizerFiles(model))
      hash.update(`${path.basename(file)} ${await fileHash(file)}`);
    await updateWithPlans(hash, model);
  }
  return hash.hex();
}

/** A budget gives the same image everywhere, so a model's own plans and their adapters count too. */
async function updateWithPlans(
  hash: ReturnType<typeof sha256>,
  { place, defaults: { budgetPlans = [] } }: DiffusionModel,
): Promise<void> {
  for (const plan of budgetPlans) {
    const adapter = adapterOf(plan.stepPlan);
    // One that is missing is named once it is used.
    const content = adapter && (await fileHash(path.join(place, adapter)).catch(() => undefined));
    hash.update(JSON.stringify([plan, content]));
  }
}

/** Identifies a LoRA file by its content, and that of PEFT's config beside it. */
export async function loraHash(file: string): Promise<string> {
  const beside = JSON.stringify((await configBeside(file)) ?? null);
  return sha256()
    .update(`lora ${await fileHash(file)} ${beside}`)
    .hex();
}

/** Identifies a ControlNet by its config and weights, wherever they are stored. */
export async function controlHash({ kind, config, weights }: ControlModel): Promise<string> {
  const source = await weights();
  const files = new Set([...source.names()].flatMap((name) => source.find(name)?.file ?? []));
  const hashes = await Promise.all([...files].map((file) => fileHash(file)));
  return sha256()
    .update(JSON.stringify([kind, config, hashes.sort()]))
    .hex();
}

/** Identifies an IP-Adapter by its file. */
export async function referenceHash(file: string): Promise<string> {
  return sha256()
    .update(`reference ${await fileHash(file)}`)
    .hex();
}

/** Distinguishes a denoiser from that of other files at the same place, on one machine. */
export async function denoiserVersion(model: Model): Promise<string> {
  const network = model.network('denoiser');
  const weights = await model.weights('denoiser');
  const used = weightsOf(network).flatMap(({ name }) => weights.find(name) ?? []);
  return sha256()
    .update(JSON.stringify([network.operators, versionsOf(used)]))
    .hex();
}

/** The contents of a model's files beside its weights; changes if one of them does. */
export async function settingsOf(model: DiffusionModel): Promise<string> {
  return JSON.stringify([model.settings, model.defaults, await tokenizerFiles(model)]);
}

function partsOf(model: Model): readonly NetworkRole[] {
  return model instanceof DiffusionModel ? ['denoiser', 'vae-decoder', ...model.textRoles] : ['denoiser'];
}

function filesOf(network: Network, weights: WeightSource): string[] {
  return weightsOf(network).flatMap(({ name }) => weights.find(name)?.file ?? []);
}

async function tokenizerFiles(model: DiffusionModel): Promise<FileVersion[]> {
  const files = await Promise.all(
    model.textRoles.map(async (role) => {
      const place = await model.tokenizer(role).catch(() => undefined);
      return place ? await filesIn(place.folder) : [];
    }),
  );
  return files.flat();
}

/** Files of a folder, without those of folders in it; none if there is no such folder. */
async function filesIn(folder: string): Promise<FileVersion[]> {
  const names = (await fs.readdir(folder).catch(() => [])).sort();
  const versions = names.map(async (name) => {
    const file = path.join(folder, name);
    const stats = await fs.stat(file).catch(() => undefined);
    return stats?.isFile() ? [{ file, size: stats.size, mtimeMs: stats.mtimeMs }] : [];
  });
  return (await Promise.all(versions)).flat();
}
