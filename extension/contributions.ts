import { inputSchemaOf } from '../agents/schema.ts';
import { AGENT_TOOLS } from '../agents/tools/index.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { SETTINGS, type Setting } from './settingEntries.ts';

const settingEntries: [name: string, setting: Setting][] = Object.entries(SETTINGS);

/** `contributes.configuration` of package.json. */
function configuration(): object {
  const properties = settingEntries.map(([name, setting], i) => {
    const { restricted, request, does, text, texts, ...schema } = setting;
    return [`patchwork.${name}`, { ...schema, order: i + 1, markdownDescription: `%setting.${name}%` }];
  });
  return { title: 'Patchwork', properties: Object.fromEntries(properties) };
}

/** `capabilities.untrustedWorkspaces.restrictedConfigurations` of package.json. */
export function restrictedConfigurations(): string[] {
  return settingEntries.filter(([, { restricted }]) => restricted).map(([name]) => `patchwork.${name}`);
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

/** What settings that need a trusted workspace are for, in words. */
function restrictedInWords(): string {
  const words = settingEntries.flatMap(([, { restricted }]) => restricted ?? []);
  return new Intl.ListFormat('en-GB').format(new Set(words));
}

/** package.nls.json with up-to-date texts of commands and settings, and what an untrusted workspace cannot set. */
export function withTexts(texts: Readonly<Record<string, string>>): Record<string, string> {
  const others = Object.entries({
    ...texts,
    'trust.limited': `Workspace settings for ${restrictedInWords()} are ignored until you trust the workspace.`,
  }).filter(([key]) => !/^(?:command|setting)\./.test(key));
  const titles = commandEntries.map(([name, { title }]) => [`command.${name}`, title]);
  const settings = settingEntries.flatMap(([name, { text, texts = {} }]) => [
    [`setting.${name}`, text],
    ...Object.entries(texts).map(([key, value]) => [`setting.${name}.${key}`, value]),
  ]);
  return Object.fromEntries([...titles, ...settings, ...others]);
}

/** The README with up-to-date tables of commands and settings, and its sentence on those that need a trusted workspace. */
export function withTables(readme: string): string {
  const commands = commandEntries
    .filter(([, { does }]) => does)
    .map(([, { title, does }]) => `| *Patchwork: ${title}* | ${does} |\n`);
  const settings = settingEntries.map(([name, { does }]) => `| \`patchwork.${name}\` | ${does} |\n`);
  const restricted = settingEntries
    .filter(([, setting]) => setting.restricted)
    .map(([name]) => `\`${name}\``);
  return readme
    .replace(/(?:^\| \*Patchwork: .+\n)+/m, commands.join(''))
    .replace(/(?:^\| `patchwork\..+\n)+/m, settings.join(''))
    .replace(
      /(?<=^In a workspace that is not trusted, its own settings for ).*(?=\) are not used)/m,
      `${restrictedInWords()} (${restricted.join(', ')}`,
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
