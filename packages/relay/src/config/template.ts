import { z } from 'zod'
import { checkMessageTemplate } from '../message-template.ts'

/** A template of what a message has, in the configuration of a sink. */
export const messageTemplate = z.string().superRefine((text, context) => {
  const mistake = checkMessageTemplate(text)
  if (mistake !== null) context.addIssue({ code: 'custom', message: mistake })
})
