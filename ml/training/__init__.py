"""What training loops share: the device, files of weights. The loop itself is the use case's."""
