export { triggerCapture, type TriggerCaptureOptions } from './trigger-capture.ts'
