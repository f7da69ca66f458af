import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { marketplacePage } from './marketplace.ts';

test('the page carries its images, and no link that only a checkout has', async () => {
  const page = await marketplacePage();
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
  assert.ok(links.length >= 2);
  for (const link of links) {
    assert.match(link, /^(data:image\/webp;base64,|https:)/);
    if (!link.startsWith('data:')) continue;
    const { width } = await sharp(Buffer.from(link.split(',')[1]!, 'base64')).metadata();
    assert.ok(width! > 100);
  }
  assert.doesNotMatch(page, /npm (install|start|run)/, 'users have no checkout');
});
