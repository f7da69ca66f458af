import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { isInside } from '../agents/inside.ts';
import { InputError } from '../engine/errors.ts';
import { requireInside } from './inside.ts';

test('links that lead out of the workspace are refused, others are followed', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  try {
    const at = (...names: string[]) => path.join(folder, ...names);
    await mkdir(at('workspace', 'images', 'deep'), { recursive: true });
    await mkdir(at('workspace2'));
    await mkdir(at('outside'));
    await symlink('../outside', at('workspace', 'out'));
    await symlink('../../outside', at('workspace', 'images', 'out'));
    await symlink('../workspace2', at('workspace', 'beside'));
    await symlink('../nowhere', at('workspace', 'lost'));
    await symlink('lost', at('workspace', 'lost by two'));
    await symlink('soon', at('workspace', 'to be made'));
    await symlink('images', at('workspace', 'in'));
    await symlink('..', at('workspace', 'up'));
    await symlink('workspace', at('link'));
    const root = at('workspace');
    for (const names of [
      [],
      ['images'],
      ['new'],
      ['new', 'er'],
      ['to be made'],
      ['in'],
      ['in', 'new'],
      ['images', 'deep'],
    ])
      await requireInside(root, path.join(root, ...names));
    await requireInside(at('link'), at('link', 'images'));
    for (const names of [
      ['out'],
      ['lost'],
      ['lost by two'],
      ['out', 'new'],
      ['images', 'out', 'x'],
      ['beside'],
      ['up'],
      ['in', 'out'],
    ])
      await assert.rejects(requireInside(root, path.join(root, ...names)), InputError);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('Windows paths: drives, shares and names that begin alike', () => {
  const inside = (folder: string, target: string) => isInside(folder, target, path.win32);
  assert.ok(inside('C:\\w', 'C:\\w'));
  assert.ok(inside('C:\\w', 'c:\\W\\images'));
  assert.ok(inside('C:\\w', 'C:\\w\\..images'));
  assert.ok(inside('\\\\server\\share\\w', '\\\\server\\share\\w\\images'));
  for (const target of ['C:\\', 'C:\\w2', 'D:\\w\\images', 'C:\\w\\..\\x', '\\\\server\\share\\w'])
    assert.ok(!inside('C:\\w', target), target);
});
