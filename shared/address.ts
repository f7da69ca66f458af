/**
 * The only form in which an address is written anywhere: without user and password, also where it is malformed. Where
 * it can't be told what is secret, nothing but the scheme is left.
 */
export function withoutSecrets(address: string): string {
  const scheme = /^[a-z][a-z0-9+.-]{0,10}:\/\//i.exec(address)?.[0] ?? '';
  const place = address.slice(Math.max(scheme.length, address.lastIndexOf('@') + 1));
  return /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?\/?$/i.test(place) ? scheme + place : `${scheme}…`;
}
