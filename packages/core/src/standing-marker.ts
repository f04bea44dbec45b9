/**
 * The transaction of a standing marker: one that never begins. A marker with it is in every window, whatever its
 * frontiers, and is never trimmed. It lies in the change buffer of a source while that is not captured on purpose: so no
 * reader can take the silence of the buffer for rest, and each of its refreshes computes everything anew.
 */
export const STANDING = '9223372036854775807'
