// Package render writes reports, decisions and exports for people and
// machines. The verdict is settled before anything is rendered: a format
// changes the clothes and never the answer.
//
// This is the only room where fractions become percent and percentage points,
// and the only one that knows Arrow.
package render
