import path from 'node:path';
import { Command } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { describePlan } from '../../engine/hub/describe.ts';
import { fetchModel, modelHere, planFetch } from '../../engine/hub/fetch-model.ts';
import { hubSettings } from '../../engine/hub/settings.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import { CATALOGUE, catalogueEntry, type InstalledModel, wantedFor } from '../../engine/models/catalogue.ts';
import { VISION_ARCHITECTURES } from '../../engine/models/efficientvit.ts';
import { hubFolder, installedModels, removeModel } from '../../engine/models/installed.ts';
import { entryMemory, memorySentences } from '../../engine/pipelines/memory-sentence.ts';
import { formatBytes } from '../../shared/units.ts';
import { agreed } from '../agree.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { FetchBar } from '../progress.ts';

type Options = CommonOptions & { yes?: boolean };
type ListOptions = CommonOptions & { folder?: string[] };

/** Folders of other tools, separated as in PATH. */
const FOLDERS_VARIABLE = 'PATCHWORK_MODEL_FOLDERS';

export function modelsCommand(): Command {
  const list = withExamples(
    new Command('list')
      .description('List installed and available models.')
      .usage('[options]')
      .option(
        '--folder <folder>',
        `list the models of ComfyUI, A1111 or InvokeAI in a folder, too; may be given several times (or set ${FOLDERS_VARIABLE})`,
        (folder: string, before: string[] = []) => [...before, folder],
      )
      // Handles arguments that are no command of `models`.
      .argument('[unknown...]'),
    'models list',
    'models list --json',
    'models list --folder ~/ComfyUI',
  );
  const get = new Command('get')
    .description('Download a model from Hugging Face.')
    .argument(
      '<id>',
      'a model that `models list` shows, or any owner/name on Hugging Face; @revision may follow',
    )
    .option('--yes', 'download without asking');
  const remove = new Command('remove')
    .description('Delete a model from the shared Hugging Face cache (other tools lose it too).')
    .argument('<id>', 'a model that `models list` shows')
    .option('--yes', 'remove without asking');
  const command = new Command('models').description('List, download and remove models.');
  withExamples(command, 'models', 'models get stabilityai/sd-turbo');
  withExamples(get, 'models get stabilityai/sd-turbo', 'models get madebyollin/taesd --yes');
  withExamples(remove, 'models remove stabilityai/sd-turbo');
  return command
    .addCommand(withCommonOptions(list, 'none').action(runList), { isDefault: true })
    .addCommand(withCommonOptions(get, 'none').action(runGet))
    .addCommand(withCommonOptions(remove, 'none').action(runRemove));
}

async function runList([unknown]: string[], options: ListOptions, command: Command): Promise<void> {
  if (unknown !== undefined) {
    const known = command.parent!.commands.map((child) => child.name()).join(', ');
    const isList = command.parent!.args[0] === command.name();
    command.error(
      isList
        ? `error: list takes no argument, not ‘${unknown}’`
        : `error: models has no ‘${unknown}’, only ${known}`,
    );
  }
  const architectures = [...Object.keys(ARCHITECTURES), ...Object.keys(VISION_ARCHITECTURES)];
  const { cache } = await hubSettings();
  const models = await installedModels({ cache, folders: options.folder ?? foldersOfEnvironment() });
  const here = new Set(models.map(({ id }) => id));
  const catalogue = CATALOGUE.map((entry) => ({
    ...entry,
    here: here.has(entry.id),
    memory: entryMemory(entry),
  }));
  print(options, { models, catalogue, cache, architectures }, () =>
    [
      'On this machine:',
      ...models.map(modelLine),
      'Available: patchwork models get ID',
      ...catalogue.filter(({ here }) => !here).flatMap(entryLines),
      `Architectures for macs and bench: ${architectures.join(', ')}`,
    ].join('\n'),
  );
}

function modelLine({ id, purpose, bytes, folder }: InstalledModel): string {
  return `  ${id}  ${formatBytes(bytes)}  ${id === folder ? purpose : folder}`;
}

function foldersOfEnvironment(): string[] {
  return (process.env[FOLDERS_VARIABLE] ?? '').split(path.delimiter).filter(Boolean);
}

function entryLines(entry: (typeof CATALOGUE)[number]): string[] {
  const { id, about, licence, bytes } = entry;
  return [
    `  ${id}  about ${formatBytes(bytes)}, licence ${licence}`,
    ...[about, ...memorySentences(entry)].map((line) => `    ${line}`),
  ];
}

async function runGet(id: string, options: Options): Promise<void> {
  const settings = await hubSettings();
  const wanted = wantedFor(id);
  const signal = interruptible();
  const here = await modelHere(settings, wanted, signal);
  if (here) {
    print(options, { id, folder: here, fetchedBytes: 0 }, () => `${id} is already installed: ${here}`);
    return;
  }
  const plan = await planFetch(settings, wanted, signal);
  const entry = catalogueEntry(id);
  if (plan.missingBytes > 0) {
    for (const line of [...describePlan(plan), ...(entry ? memorySentences(entry) : [])]) note(line);
    if (!(await agreed('Download it?', options.yes))) return note('Nothing was downloaded.');
  }
  const bar = new FetchBar();
  try {
    const folder = await fetchModel(settings, plan, {
      signal,
      onProgress: (progress) => bar.update(progress),
    });
    bar.stop();
    const { licence, commit } = plan.repository;
    const result = { id, folder, commit, licence, bytes: plan.bytes, fetchedBytes: plan.missingBytes };
    print(options, result, () => `${id} is installed: ${folder}`);
  } finally {
    bar.stop();
  }
}

async function runRemove(id: string, options: Options): Promise<void> {
  const settings = await hubSettings();
  const embedded = (await installedModels(settings)).find((model) => model.id === id && !model.removable);
  if (embedded) throw new InputError(`${id} comes with Patchwork and cannot be removed.`);
  const here = await hubFolder(id, settings);
  if (!here) throw new InputError(`${id} is not installed.`);
  note(`${id} takes ${formatBytes(here.bytes)} in ${here.folder}; other tools may use it too.`);
  if (!(await agreed('Remove it?', options.yes))) return note('Nothing was removed.');
  await removeModel(id, settings);
  print(options, { id, removedBytes: here.bytes }, () => `${id} was removed.`);
}
