import { inputSchemaOf } from '../agents/schema.ts';
import { AGENT_TOOLS } from '../agents/tools/index.ts';
import {
  DECODERS,
  DEVICE_CHOICES,
  DEVICE_IDS,
  DEVICE_PROVIDERS,
  PRECISIONS,
  PREDICTIONS,
  SCHEDULER_TITLES,
  SCHEDULERS,
  SIGMA_SPACINGS,
  SIGMA_TITLES,
} from '../shared/api.ts';
import { LIMITS } from '../shared/limits.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';

/** Where a setting may be set; see VS Code's contribution points. */
type Scope = 'machine' | 'machine-overridable' | 'resource';

/** A setting as package.json describes it, without what is derived from its name and position. */
interface Setting {
  type: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array';
  default: unknown;
  scope: Scope;
  /** An untrusted workspace cannot set it, because it leads to files or takes much of the machine. */
  restricted?: true;
  [schema: string]: unknown;
}

/** 0 stands for the default. */
const whole = (limits: { max: number }) => ({
  type: 'integer' as const,
  default: 0,
  minimum: 0,
  maximum: limits.max,
});

/** The settings of the section `patchwork`, in the order in which VS Code shows them. */
export const SETTINGS = {
  model: { type: 'string', default: '', scope: 'machine-overridable', restricted: true },
  editModel: { type: 'string', default: '', scope: 'machine-overridable', restricted: true },
  modelFolders: { type: 'array', items: { type: 'string' }, default: [], scope: 'machine' },
  vae: { type: 'string', default: '', scope: 'machine-overridable', restricted: true },
  textEncoder: { type: 'string', default: '', scope: 'machine-overridable', restricted: true },
  prediction: {
    type: 'string',
    default: '',
    enum: ['', ...PREDICTIONS],
    enumItemLabels: [
      '%setting.prediction.default%',
      ...PREDICTIONS.map((name) => `%setting.prediction.${name}%`),
    ],
    scope: 'resource',
  },
  size: {
    type: 'string',
    default: '',
    pattern: '^$|^\\d+x\\d+$',
    patternErrorMessage: '%setting.size.error%',
    scope: 'resource',
  },
  steps: { ...whole(LIMITS.steps), scope: 'resource' },
  scheduler: {
    type: 'string',
    default: '',
    enum: ['', ...SCHEDULERS],
    enumItemLabels: ['%setting.scheduler.default%', ...SCHEDULERS.map((name) => SCHEDULER_TITLES[name])],
    scope: 'resource',
  },
  sigmas: {
    type: 'string',
    default: '',
    enum: ['', ...SIGMA_SPACINGS],
    enumItemLabels: ['%setting.sigmas.default%', ...SIGMA_SPACINGS.map((name) => SIGMA_TITLES[name])],
    scope: 'resource',
  },
  guidance: { ...whole(LIMITS.guidance), type: 'number', scope: 'resource' },
  negativePrompt: { type: 'string', default: '', scope: 'resource' },
  precision: {
    type: 'string',
    default: '',
    enum: ['', ...PRECISIONS],
    enumItemLabels: ['%setting.precision.default%', ...PRECISIONS],
    enumDescriptions: [
      '%setting.precision.default.description%',
      ...PRECISIONS.map((name) => `%setting.precision.${name}%`),
    ],
    scope: 'resource',
  },
  decoder: {
    type: 'string',
    default: DECODERS[0],
    enum: [...DECODERS],
    enumDescriptions: DECODERS.map((name) => `%setting.decoder.${name}%`),
    scope: 'resource',
  },
  loras: {
    type: 'object',
    default: {},
    additionalProperties: {
      type: 'number',
      minimum: LIMITS.loraStrength.min,
      maximum: LIMITS.loraStrength.max,
    },
    scope: 'machine-overridable',
    restricted: true,
  },
  device: {
    type: 'string',
    default: DEVICE_CHOICES[0],
    enum: [...DEVICE_CHOICES],
    enumItemLabels: ['%setting.device.auto%', ...DEVICE_IDS.map((id) => DEVICE_PROVIDERS[id])],
    enumDescriptions: DEVICE_CHOICES.map((name) => `%setting.device.${name}.description%`),
    scope: 'machine-overridable',
    restricted: true,
  },
  threads: { ...whole(LIMITS.threads), scope: 'machine-overridable', restricted: true },
  workers: { ...whole(LIMITS.workers), scope: 'machine-overridable', restricted: true },
  draftWhileTyping: { type: 'boolean', default: true, scope: 'resource' },
  outputFolder: { type: 'string', default: 'images', scope: 'resource', restricted: true },
  galleryLimit: { type: 'integer', default: 2000, minimum: 0, scope: 'machine' },
  featureMemory: { type: 'integer', default: 0, minimum: 0, scope: 'machine' },
  bus: { type: 'string', default: '', scope: 'machine' },
  busCredentials: { type: 'string', default: '', scope: 'machine' },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** `contributes.configuration` of package.json. */
function configuration(): object {
  const properties = Object.entries(SETTINGS).map(
    ([name, { restricted: _, ...schema }]: [string, Setting], i) => [
      `patchwork.${name}`,
      { ...schema, order: i + 1, markdownDescription: `%setting.${name}%` },
    ],
  );
  return { title: 'Patchwork', properties: Object.fromEntries(properties) };
}

/** `capabilities.untrustedWorkspaces.restrictedConfigurations` of package.json. */
export function restrictedConfigurations(): string[] {
  return Object.entries(SETTINGS)
    .filter(([, setting]: [string, Setting]) => setting.restricted)
    .map(([name]) => `patchwork.${name}`);
}

const commandEntries: [name: string, entry: CommandEntry][] = Object.entries(COMMANDS);

/** `contributes.commands` of package.json. */
function commandContributions(): object[] {
  return commandEntries.map(([name, { icon }]) => ({
    command: `patchwork.${name}`,
    title: `%command.${name}%`,
    category: 'Patchwork',
    ...(icon && { icon: `$(${icon})` }),
  }));
}

/** `contributes.menus` of package.json. */
function menuContributions(): Record<string, object[]> {
  const menus: Record<string, object[]> = { commandPalette: [] };
  for (const [name, { does, when, menus: places = [] }] of commandEntries) {
    const command = `patchwork.${name}`;
    const inPalette = does ? when : 'false';
    if (inPalette) menus.commandPalette!.push({ command, when: inPalette });
    for (const { menu, ...place } of places) menus[menu] = [...(menus[menu] ?? []), { command, ...place }];
  }
  return menus;
}

/** package.nls.json with up-to-date titles of commands. */
export function withTitles(texts: Readonly<Record<string, string>>): Record<string, string> {
  const others = Object.entries(texts).filter(([key]) => !key.startsWith('command.'));
  const titles = commandEntries.map(([name, { title }]) => [`command.${name}`, title]);
  return Object.fromEntries([...titles, ...others]);
}

/** The README with an up-to-date table of commands. */
export function withCommandTable(readme: string): string {
  const rows = commandEntries.filter(([, { does }]) => does);
  return readme.replace(
    /(?:^\| \*Patchwork: .+\n)+/m,
    rows.map(([, { title, does }]) => `| *Patchwork: ${title}* | ${does} |\n`).join(''),
  );
}

/** Properties of package.json that are generated from TypeScript. */
interface Manifest {
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  contributes: {
    commands: object[];
    menus: object;
    configuration: object;
    languageModelTools: { name: string }[];
  };
}

/** package.json with those properties up to date. */
export function withContributions<Given extends Manifest>(manifest: Given): Given {
  const result = structuredClone(manifest);
  result.capabilities.untrustedWorkspaces.restrictedConfigurations = restrictedConfigurations();
  result.contributes.commands = commandContributions();
  result.contributes.menus = menuContributions();
  result.contributes.configuration = configuration();
  result.contributes.languageModelTools = result.contributes.languageModelTools.map((offered) => {
    const tool = AGENT_TOOLS.find(({ name }) => offered.name === `patchwork_${name}`);
    return tool
      ? { ...offered, modelDescription: tool.description, inputSchema: inputSchemaOf(tool) }
      : offered;
  });
  return result;
}
