// Makes a .vsix for each platform, with only that platform's native files:
//   npm run package                       all platforms
//   npm run package -- linux-x64 …        some of them
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { marketplacePage } from './marketplace.ts';

interface Target {
  /** As npm names it. */
  os: NodeJS.Platform;
  cpu: string;
  /** The C library, on Linux. */
  libc?: string;
}

/** By VS Code's names. */
const TARGETS: Record<string, Target> = {
  'linux-x64': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-arm64': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'win32-x64': { os: 'win32', cpu: 'x64' },
  'win32-arm64': { os: 'win32', cpu: 'arm64' },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
};

/** Platforms that VS Code has and Patchwork has not, and why. */
const MISSING: Record<string, string> = {
  'darwin-x64': 'onnxruntime-node has no binary for Macs with Intel processors',
  'alpine-x64': 'onnxruntime-node has no binary for musl',
};

/** Packages that are not bundled, because they load native files from their own folders. */
const NATIVE = ['onnxruntime-node', 'sharp'];

/** Of those packages' dependencies, what only their installation uses. */
const INSTALL_ONLY = ['adm-zip', 'global-agent'];

/** What goes into a .vsix besides the native packages and the bundles. */
const CONTENT = ['media', 'package.nls.json', 'LICENSE', 'CHANGELOG.md'];

/** Of that, what the extension does not use: maps and drawings. */
const UNUSED = /\.map$|[/\\]icon\.svg$/;

const root = path.resolve(import.meta.dirname, '..');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

const asked = process.argv.slice(2);
for (const name of asked.filter((name) => !(name in TARGETS))) {
  console.error(
    `No package for ${name}: ${MISSING[name] ?? `known are ${Object.keys(TARGETS).join(', ')}`}.`,
  );
  process.exit(2);
}
// Built apart from the checkout's own dist/, which may be running.
const built = fs.mkdtempSync(path.join(os.tmpdir(), 'patchwork-dist-'));
try {
  const build = [path.join(root, 'scripts/build.mjs'), '--out', built, '--extension'];
  execFileSync(process.execPath, build, { cwd: root, stdio: 'inherit' });
  for (const [name, target] of Object.entries(TARGETS)) {
    if (asked.length === 0 || asked.includes(name)) await makePackage(name, target);
  }
} finally {
  fs.rmSync(built, { recursive: true, force: true });
}
if (asked.length === 0) {
  for (const [name, why] of Object.entries(MISSING)) console.log(`no package for ${name}: ${why}`);
}

async function makePackage(name: string, target: Target): Promise<void> {
  const staging = fs.mkdtempSync(path.join(os.tmpdir(), `patchwork-${name}-`));
  try {
    stageFiles(staging);
    write(staging, 'README.md', await marketplacePage());
    stageNative(staging, target);
    const vsix = path.join(root, `${manifest.name}-${name}-${manifest.version}.vsix`);
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

function stageFiles(staging: string): void {
  const copy = (from: string, name: string) =>
    fs.cpSync(from, path.join(staging, name), { recursive: true, filter: (file) => !UNUSED.test(file) });
  copy(built, 'dist');
  for (const name of CONTENT) if (fs.existsSync(path.join(root, name))) copy(path.join(root, name), name);
  const dependencies = Object.fromEntries(NATIVE.map((name) => [name, manifest.dependencies[name]]));
  const { scripts: _scripts, devDependencies: _dev, bin: _bin, ...rest } = manifest;
  write(staging, 'package.json', JSON.stringify({ ...rest, dependencies }, null, 2));
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
    // What other module systems and bundlers would load.
    'node_modules/onnxruntime-common/dist/esm/**',
    'node_modules/sharp/install/**',
    'node_modules/**/*.{md,map,ts}',
    'node_modules/**/{script,src,test,tests}/**',
  ];
  write(staging, '.vscodeignore', `${ignored.join('\n')}\n`);
}

/** Packages that are here for the installation only. */
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
