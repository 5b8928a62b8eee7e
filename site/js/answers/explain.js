// @ts-check
/** What the shares that the server answers mean, in words. It knows no page. */

/** From this share on it is no longer rare. */
const OFTEN = 0.5;

/**
 * How rarely a stranger is as near as somebody who was found.
 * @param {number | undefined} share of strangers, at most; nothing where the server does not say
 * @returns {string} a sentence, or nothing
 */
export function rarity(share) {
  if (!isShare(share)) return "";
  if (share >= OFTEN) return "Strangers are often this close.";
  return `At most 1 stranger in ${oneIn(share)} is this close.`;
}

/**
 * How rarely a stranger finds somebody so near in a gallery of this size.
 * @param {number | undefined} share of strangers, at most
 * @param {number | undefined} people in the gallery, at most
 * @returns {string} a sentence, or nothing
 */
export function chance(share, people) {
  if (!isShare(share) || !people) return "";
  const gallery = `Among up to ${people.toLocaleString("en")} people`;
  if (share >= OFTEN) return `${gallery}, most strangers find somebody this close.`;
  return `${gallery}, at most 1 stranger in ${oneIn(share)} finds somebody this close.`;
}

/**
 * @param {number | undefined} share
 * @returns {share is number}
 */
function isShare(share) {
  return share !== undefined && share > 0 && share <= 1;
}

/**
 * The number of strangers of whom one makes this share, with two digits. It is rounded down, so
 * that nothing is called rarer than it is.
 * @param {number} share
 */
function oneIn(share) {
  // The quotient of a round number may be just below it.
  const strangers = (1 + 1e-9) / share;
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(strangers)) - 1);
  return (Math.floor(strangers / unit) * unit).toLocaleString("en");
}
