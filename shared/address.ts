/**
 * The only form in which an address is shown: without user and password, even if it is malformed. If the secret part
 * is not recognizable, only the scheme is left.
 */
export function withoutSecrets(address: string): string {
  const scheme = /^[a-z][a-z0-9+.-]{0,10}:\/\//i.exec(address)?.[0] ?? '';
  const place = address.slice(Math.max(scheme.length, address.lastIndexOf('@') + 1));
  return /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?\/?$/i.test(place) ? scheme + place : `${scheme}…`;
}
