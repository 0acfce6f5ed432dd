/** Colours that read on light and on dark pages alike. */
export const palette = {
  /** The colour of the text around a picture. */
  ink: 'currentColor',
  faint: 'rgba(128, 135, 146, 0.25)',
} as const;

/** Colours of the trials of an experiment, the main one first. */
export const trialColours = ['#3b82f6', '#f59e0b', '#10b981', '#ef4444', '#a855f7', '#14b8a6', '#ec4899'] as const;

/** The colour of the trial, curve or task of a number. */
export const colourOf = (index: number): string => trialColours[index % trialColours.length]!;

/** Colour of a value from -1 (blue) through 0 (white) to 1 (red), as red, green and blue bytes. */
export function diverging(value: number): [number, number, number] {
  const v = Math.max(-1, Math.min(1, value));
  const [r, g, b] = v < 0 ? [33, 102, 172] : [178, 24, 43];
  const mix = (c: number) => Math.round(247 + (c - 247) * Math.abs(v));
  return [mix(r), mix(g), mix(b)];
}
