import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLargePages } from './large-pages.ts';

test('large pages are asked for beside what else is set, and not against the user’s choice', () => {
  const tunables = (given?: string) =>
    withLargePages({ HOME: '/home', ...(given !== undefined && { GLIBC_TUNABLES: given }) }).GLIBC_TUNABLES;
  assert.equal(withLargePages({ HOME: '/home' }).HOME, '/home');
  assert.equal(tunables(), 'glibc.malloc.hugetlb=1');
  assert.equal(tunables(''), 'glibc.malloc.hugetlb=1');
  assert.equal(tunables('glibc.malloc.arena_max=2'), 'glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1');
  assert.equal(tunables('glibc.malloc.hugetlb=0'), 'glibc.malloc.hugetlb=0');
});
