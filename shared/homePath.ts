/** A path as a shell reads it: a `~` at its start stands for the user's home folder. */
export function homePath(place: string, home: string): string {
  return place.replace(/^~(?=$|[/\\])/, () => home);
}
