// Makes a .vsix for each platform, with only that platform's native files, and one for VS Code for the Web:
//   npm run package                       all of them
//   npm run package -- linux-x64 web …    some of them
//   npm run package -- --out FOLDER …     into another folder than the checkout's
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';
import { marketplacePage } from './marketplace.ts';

interface Target {
  /** npm's names. */
  os: NodeJS.Platform;
  cpu: string;
  /** The C library, on Linux. */
  libc?: string;
}

/** By VS Code's names for platforms. */
const TARGETS: Record<string, Target> = {
  'linux-x64': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-arm64': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'win32-x64': { os: 'win32', cpu: 'x64' },
  'win32-arm64': { os: 'win32', cpu: 'arm64' },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
};

/** VS Code for the Web: no native files, and the engine's bundle for browsers. */
const WEB = 'web';

/**
 * Settings and commands that a browser cannot have: workers of other machines, a number of threads, models by their path. Nor does it have
 * agents' tools, which work on the files of a disk.
 */
const NOT_ON_THE_WEB = ['bus', 'busCredentials', 'threads', 'useAsModel'].map((name) => `patchwork.${name}`);

/** Choices of the device setting on the web: automatic, the processor, WebGPU. */
const DEVICES_ON_THE_WEB = 3;

/** Platforms of VS Code that Patchwork does not support, and why. */
const MISSING: Record<string, string> = {
  'darwin-x64': 'onnxruntime-node has no binary for Macs with Intel processors',
  'alpine-x64': 'onnxruntime-node has no binary for musl',
};

/** Packages that are not bundled, because they load native files from their own folders. */
const NATIVE = ['onnxruntime-node', 'sharp'];

/** Dependencies of these packages that only their installation uses. */
const INSTALL_ONLY = ['adm-zip', 'global-agent'];

/** Contents of a .vsix besides the native packages and the bundles. */
const CONTENT = ['media', 'package.nls.json', 'LICENSE', 'CHANGELOG.md'];

/** Exceptions, which the extension does not use: source maps and drawings. */
const UNUSED = /\.map$|[/\\]icon\.svg$/;

const root = path.resolve(import.meta.dirname, '..');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

const { positionals: asked, values } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: root } },
});
for (const name of asked.filter((name) => !(name in TARGETS) && name !== WEB)) {
  console.error(
    `No package for ${name}: ${MISSING[name] ?? `known are ${[...Object.keys(TARGETS), WEB].join(', ')}`}.`,
  );
  process.exit(2);
}
const wanted = (name: string) => asked.length === 0 || asked.includes(name);
const platforms = Object.entries(TARGETS).filter(([name]) => wanted(name));
if (platforms.length > 0)
  await withBuild('--extension', async (built) => {
    for (const [name, target] of platforms) await makePackage(name, built, target);
  });
if (wanted(WEB)) await withBuild('--web', (built) => makePackage(WEB, built));
if (asked.length === 0) {
  for (const [name, why] of Object.entries(MISSING)) console.log(`no package for ${name}: ${why}`);
}

/** Builds apart from the checkout's own dist/, which may be running. */
async function withBuild(
  kind: '--extension' | '--web',
  use: (built: string) => Promise<void>,
): Promise<void> {
  const built = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-dist-'));
  try {
    const build = [path.join(root, 'scripts/build.mjs'), '--out', built, kind];
    execFileSync(process.execPath, build, { cwd: root, stdio: 'inherit' });
    await use(built);
  } finally {
    fs.rmSync(built, { recursive: true, force: true });
  }
}

/** @param target absent for the web */
async function makePackage(name: string, built: string, target?: Target): Promise<void> {
  const staging = fs.mkdtempSync(path.join(os.tmpdir(), `patchwork-${name}-`));
  try {
    stageFiles(staging, built, target ? NATIVE : []);
    write(staging, 'README.md', await marketplacePage());
    if (target) stageNative(staging, target);
    // The build has packed the models into dist/.
    else fs.rmSync(path.join(staging, 'media/models'), { recursive: true });
    const vsix = path.join(values.out, `${manifest.name}-${name}-${manifest.version}.vsix`);
    await createVSIX({
      cwd: staging,
      target: name,
      packagePath: vsix,
      allowMissingRepository: true,
      // The page has no links into the repository.
      rewriteRelativeLinks: false,
      skipLicense: !fs.existsSync(path.join(staging, 'LICENSE')),
    });
    console.log(`${path.basename(vsix)}  ${(fs.statSync(vsix).size / 1e6).toFixed(1)} MB`);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

function stageFiles(staging: string, built: string, packages: readonly string[]): void {
  const copy = (from: string, name: string) =>
    fs.cpSync(from, path.join(staging, name), { recursive: true, filter: (file) => !UNUSED.test(file) });
  copy(built, 'dist');
  for (const name of CONTENT) if (fs.existsSync(path.join(root, name))) copy(path.join(root, name), name);
  const dependencies = Object.fromEntries(packages.map((name) => [name, manifest.dependencies[name]]));
  const { scripts: _scripts, devDependencies: _dev, bin: _bin, main, browser, ...rest } = manifest;
  const entry = packages.length > 0 ? { main } : { browser, contributes: webContributions() };
  write(staging, 'package.json', JSON.stringify({ ...rest, ...entry, dependencies }, null, 2));
}

/** A setting with only the first of its choices. */
function withFirst(setting: Record<string, unknown>, count: number): object {
  const entries = Object.entries(setting);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.slice(0, count) : value]),
  );
}

/** The manifest, without what a browser cannot have. */
function webContributions(): object {
  const { languageModelTools: _tools, configuration, commands, menus, ...rest } = manifest.contributes;
  const settings = Object.entries(configuration.properties);
  const properties = Object.fromEntries(settings.filter(([name]) => !NOT_ON_THE_WEB.includes(name)));
  const device = 'patchwork.device';
  properties[device] = withFirst(properties[device] as Record<string, unknown>, DEVICES_ON_THE_WEB);
  const isThere = ({ command }: { command?: string }) => !command || !NOT_ON_THE_WEB.includes(command);
  const entries = Object.entries(menus as Record<string, { command?: string }[]>);
  return {
    ...rest,
    commands: commands.filter(isThere),
    menus: Object.fromEntries(entries.map(([place, items]) => [place, items.filter(isThere)])),
    configuration: { ...configuration, properties },
  };
}

/** Installs the native packages for `target`, whatever machine this is, and removes what they carry for others. */
function stageNative(staging: string, target: Target): void {
  const platform = [
    `--os=${target.os}`,
    `--cpu=${target.cpu}`,
    ...(target.libc ? [`--libc=${target.libc}`] : []),
  ];
  const flags = [
    '--omit=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--loglevel=error',
  ];
  execFileSync('npm', ['install', ...flags, ...platform], {
    cwd: staging,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  const runtimes = path.join(staging, 'node_modules/onnxruntime-node/bin/napi-v6');
  keepOnly(runtimes, target.os);
  keepOnly(path.join(runtimes, target.os), target.cpu);
  const ignored = [
    ...unused(path.join(staging, 'node_modules')).map((name) => `node_modules/${name}/**`),
    'node_modules/.package-lock.json',
    // Files for other module systems and bundlers.
    'node_modules/onnxruntime-common/dist/esm/**',
    'node_modules/sharp/install/**',
    'node_modules/**/*.{md,map,ts}',
    'node_modules/**/{script,src,test,tests}/**',
  ];
  write(staging, '.vscodeignore', `${ignored.join('\n')}\n`);
}

/** Packages that only the installation uses. */
function unused(modules: string): string[] {
  const folders = fs.readdirSync(modules).filter((name) => !name.startsWith('.'));
  const installed = folders.flatMap((name) =>
    name.startsWith('@') ? fs.readdirSync(path.join(modules, name)).map((part) => `${name}/${part}`) : [name],
  );
  const used = new Set(NATIVE);
  for (const name of used) {
    const manifest = JSON.parse(fs.readFileSync(path.join(modules, name, 'package.json'), 'utf8'));
    for (const needed of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
      if (installed.includes(needed) && !INSTALL_ONLY.includes(needed)) used.add(needed);
  }
  return installed.filter((name) => !used.has(name));
}

function keepOnly(folder: string, name: string): void {
  for (const entry of fs.readdirSync(folder)) {
    if (entry !== name) fs.rmSync(path.join(folder, entry), { recursive: true });
  }
  if (!fs.existsSync(path.join(folder, name))) throw new Error(`${folder} has no ${name}.`);
}

function write(folder: string, name: string, text: string): void {
  fs.writeFileSync(path.join(folder, name), text);
}
