/** The header that has the event's id. */
export const EVENT_ID_HEADER = 'freshet-event-id'
