"""graphsvc beside the policy engines that people would take instead, on one world and with one load client."""
