/** The build puts this in front of every script. */

import './meter.ts'
