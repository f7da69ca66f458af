/** glibc then asks for pages of 2 MB for what it allocates; other systems and older versions (before 2.35) ignore it. */
const TUNABLE = 'glibc.malloc.hugetlb=1';

/**
 * The environment of a process that runs networks. Their values take up to gigabytes, and in pages of 4 kB the processor
 * spends about a tenth of its time on finding them. Where Linux gives large pages to all who ask or to none, nothing
 * changes.
 * @param env if the user has chosen in it already, it is left as it is
 */
export function withLargePages(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { GLIBC_TUNABLES: given } = env;
  if (given?.includes('glibc.malloc.hugetlb=')) return env;
  return { ...env, GLIBC_TUNABLES: given ? `${given}:${TUNABLE}` : TUNABLE };
}
