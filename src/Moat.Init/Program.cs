using Moat.Init;

// PID 1 of a sandbox. Its one descriptor beside 0, 1, 2 is the control channel, on 3.
return InitLoop.Run(3);
