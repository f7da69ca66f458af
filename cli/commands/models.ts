import { Command } from 'commander';
import { InputError } from '../../engine/errors.ts';
import { describePlan } from '../../engine/hub/describe.ts';
import { fetchModel, modelHere, planFetch } from '../../engine/hub/fetch-model.ts';
import { hubSettings } from '../../engine/hub/settings.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import { CATALOGUE, catalogueEntry, wantedFor } from '../../engine/models/catalogue.ts';
import { VISION_ARCHITECTURES } from '../../engine/models/efficientvit.ts';
import { hubFolder, installedModels, removeModel } from '../../engine/models/installed.ts';
import { entryMemory, memorySentences } from '../../engine/pipelines/memory-sentence.ts';
import { agreed } from '../agree.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { formatBytes, note, print } from '../output.ts';
import { FetchBar, interruptible } from '../progress.ts';

type Options = CommonOptions & { yes?: boolean };

export function modelsCommand(): Command {
  const list = new Command('list').description('What is on this machine, and what can be got.');
  const get = new Command('get')
    .description('Fetch a model from the Hugging Face hub.')
    .argument('<id>', 'a model of the catalogue, or any owner/name of the hub; @revision may follow')
    .option('--yes', 'fetch without asking');
  const remove = new Command('remove')
    .description('Take a model from this machine, for all tools that use the Hugging Face cache.')
    .argument('<id>', 'a model that models list shows')
    .option('--yes', 'remove without asking');
  const command = new Command('models').description('Models on this machine.');
  return command
    .addCommand(withCommonOptions(list).action(runList), { isDefault: true })
    .addCommand(withCommonOptions(get).action(runGet))
    .addCommand(withCommonOptions(remove).action(runRemove));
}

async function runList(options: CommonOptions): Promise<void> {
  const architectures = [...Object.keys(ARCHITECTURES), ...Object.keys(VISION_ARCHITECTURES)];
  const { cache } = await hubSettings();
  const models = await installedModels({ cache });
  const here = new Set(models.map(({ id }) => id));
  const catalogue = CATALOGUE.map((entry) => ({
    ...entry,
    here: here.has(entry.id),
    memory: entryMemory(entry),
  }));
  print(options, { models, catalogue, cache, architectures }, () =>
    [
      'On this machine:',
      ...models.map(({ id, bytes, folder }) => `  ${id}  ${formatBytes(bytes)}  ${folder}`),
      'To be had with patchwork models get ID:',
      ...catalogue.filter(({ here }) => !here).flatMap(entryLines),
      `Architectures for macs and bench: ${architectures.join(', ')}`,
    ].join('\n'),
  );
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
  const here = await modelHere(settings, wanted);
  if (here) {
    print(options, { id, folder: here, fetchedBytes: 0 }, () => `${id} is here already: ${here}`);
    return;
  }
  const signal = interruptible();
  const plan = await planFetch(settings, wanted, signal);
  const entry = catalogueEntry(id);
  if (plan.missingBytes > 0) {
    for (const line of [...describePlan(plan), ...(entry ? memorySentences(entry) : [])]) note(line);
    if (!(await agreed('Fetch it?', options.yes))) return note('Nothing was fetched.');
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
    print(options, result, () => `${id} is here now: ${folder}`);
  } finally {
    bar.stop();
  }
}

async function runRemove(id: string, options: Options): Promise<void> {
  const settings = await hubSettings();
  const here = await hubFolder(id, settings);
  if (!here) throw new InputError(`${id} is not on this machine.`);
  note(`${id} takes ${formatBytes(here.bytes)} in ${here.folder}; other tools may use it too.`);
  if (!(await agreed('Remove it?', options.yes))) return note('Nothing was removed.');
  await removeModel(id, settings);
  print(options, { id, removedBytes: here.bytes }, () => `${id} was removed.`);
}
