export const sorted = (list) => [...list].sort((a, b) => a - b);
export const min = (list) => sorted(list)[0];
export function median(list) {
  const ordered = sorted(list), middle = ordered.length >> 1;
  return ordered.length % 2 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2;
}
export const geometricMean = (list) => Math.exp(list.reduce((sum, value) => sum + Math.log(value), 0) / list.length);
