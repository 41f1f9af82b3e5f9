//! Small requests never make large answers, or long work, by naming things again and again.
