import '../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { temporaryFolder } from '../engine/weights/testing.ts';
import packageJson from '../package.json' with { type: 'json' };
import type { Recipe } from '../shared/api.ts';

const stub = await import('../test/support/vscode/stub.ts');
const { saveToWorkspace } = await import('./destination.ts');
const { remoteItem } = await import('./devices/remoteItem.ts');
const { withSettings } = await import('./requests.ts');
const { localPath, onThisComputer, placeInRemoteWindow, placeText, placeUri } = await import('./remote.ts');

const { env, ExtensionKind, extensions, UIKind, Uri, workspace } = stub;

function inWindow(remoteName: string | undefined, extensionKind = ExtensionKind.UI, uiKind = UIKind.Desktop) {
  Object.assign(env, { remoteName, uiKind });
  extensions.getExtension = () => ({ extensionKind });
}
afterEach(() => {
  inWindow(undefined);
  workspace.workspaceFolders = undefined;
});

test('in windows of a remote machine Patchwork runs at the user’s GPU, unless a setting says otherwise', () => {
  assert.deepEqual(packageJson.extensionKind, ['ui', 'workspace']);
  assert.equal(placeInRemoteWindow(), undefined);
  assert.equal(remoteItem(), undefined);
  inWindow('ssh-remote');
  assert.equal(placeInRemoteWindow(), 'ui');
  assert.equal(onThisComputer().defaultUri?.scheme, 'file');
  assert.match(remoteItem()!.label, /Remote Machine \(ssh-remote\)/);
  assert.deepEqual(remoteItem()!.kind, ['workspace']);
  inWindow('wsl', ExtensionKind.Workspace);
  assert.equal(placeInRemoteWindow(), 'workspace');
  assert.deepEqual(onThisComputer(), {});
  assert.equal(remoteItem()!.kind, undefined);
  // A browser has no second machine to run on.
  inWindow('ssh-remote', ExtensionKind.Workspace, UIKind.Web);
  assert.equal(remoteItem(), undefined);
});

test('models on the other machine are refused, with what to do', () => {
  assert.equal(localPath(Uri.file('/models/a.safetensors') as never), path.resolve('/models/a.safetensors'));
  const there = Uri.parse('vscode-remote://ssh-remote+host/models/a.safetensors') as never;
  assert.throws(
    () => localPath(there),
    /^InputError: a\.safetensors is on the remote machine.*Choose Device/,
  );
  const elsewhere = Uri.parse('vscode-vfs://github/a.gguf') as never;
  assert.throws(() => localPath(elsewhere), /^InputError: a\.gguf is on no disk of this computer/);
});

test('a path in the settings that is on the other machine only is refused, with what to do', async () => {
  const folder = await temporaryFolder();
  const { getConfiguration } = workspace;
  const withModel = (model: string, name = 'model') => {
    const values: Record<string, unknown> = { [name]: model };
    Object.assign(workspace, { getConfiguration: () => ({ get: (name: string) => values[name] }) });
    return withSettings({ prompt: 'a house' }).model;
  };
  try {
    const there = path.join(folder, 'on the other machine');
    // In a window of one machine the engine says what is missing.
    assert.equal(withModel(there), there);
    inWindow('ssh-remote');
    assert.throws(
      () => withModel(there),
      /^InputError: .*on the other machine, which the settings name.*Choose Device/,
    );
    for (const part of ['editModel', 'vae', 'textEncoder'])
      assert.throws(() => withModel(there, part), /^InputError: .*on the other machine/, part);
    assert.equal(withModel(folder), folder);
    inWindow('ssh-remote', ExtensionKind.Workspace);
    assert.equal(withModel(there), there);
  } finally {
    Object.assign(workspace, { getConfiguration });
  }
});

test('files of a form are found again, by path or by address', () => {
  for (const uri of [Uri.file('/masks/a b.png'), Uri.parse('vscode-remote://host/masks/a.png')]) {
    const again = placeUri(placeText(uri as never));
    assert.deepEqual([again.scheme, again.path], [uri.scheme, uri.path]);
  }
  assert.equal(placeUri(String.raw`C:\masks\a.png`).scheme, 'file');
});

test('images are saved into folders of another machine, but not through links', async () => {
  const folder = await temporaryFolder();
  const recipe = { prompt: 'a house', seed: 1 } as Recipe;
  const uri = Uri.parse(`vscode-remote://host${Uri.file(folder).path}`);
  workspace.workspaceFolders = [{ uri, name: 'there', index: 0 }];
  const get = (name: string) => (name === 'outputFolder' ? 'images/deep' : undefined);
  const { getConfiguration } = workspace;
  workspace.getConfiguration = () => ({ get, inspect: get, update: async () => undefined }) as never;
  try {
    assert.match((await saveToWorkspace(recipe, new Uint8Array(1)))!.path, /images\/deep\/a-house-1\.png$/);
    const other = await temporaryFolder();
    const linked = Uri.parse(`vscode-remote://host${Uri.file(path.join(other, 'w')).path}`);
    await mkdir(path.join(other, 'w'));
    await mkdir(path.join(other, 'outside'));
    await symlink('../outside', path.join(other, 'w', 'images'));
    workspace.workspaceFolders = [{ uri: linked, name: 'there', index: 0 }];
    await assert.rejects(
      saveToWorkspace(recipe, new Uint8Array(1)),
      /images\/deep is a link; nothing was saved/,
    );
    assert.deepEqual(await readdir(path.join(other, 'outside')), []);
  } finally {
    workspace.getConfiguration = getConfiguration;
  }
});
