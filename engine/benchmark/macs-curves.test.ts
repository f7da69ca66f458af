import assert from 'node:assert/strict';
import { test } from 'node:test';
import { macsCurves } from './macs-curves.ts';

test('operations against resolution: those of the published networks, and how they grow', () => {
  const curves = new Map(macsCurves().map(({ title, points }) => [title, points]));
  const at = (title: string, side: number) => curves.get(title)!.find((point) => point.side === side)!.macs;
  assert.equal(at('FLUX.2 klein 4B', 512), 5086485676032);
  assert.equal(at('FLUX.2 klein 4B', 1024), 17410089025536);
  assert.equal(at('SANA 600M', 1024), 560744054784);
  const growth = (title: string) => at(title, 4096) / at(title, 2048);
  assert.ok(growth('SANA 600M') < 4, 'linear attention grows with the positions');
  assert.ok(growth('FLUX.2 klein 4B') > 8, 'attention grows with their square');
  assert.ok(growth('U-Net of Stable Diffusion 1.5') > 8);
});
