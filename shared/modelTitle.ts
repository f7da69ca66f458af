/** A model's name for people: the embedded one has its own, of a folder's path the last part is enough. */
export function modelTitle(id: string): string {
  if (id === 'scenes-control') return 'Scenes: Outlines';
  if (id === '' || id === 'scenes' || id === 'scenes-edit') return 'Scenes';
  return /^([/\\~]|[a-z]:)/i.test(id) ? (id.split(/[/\\]/).findLast(Boolean) ?? id) : id;
}
