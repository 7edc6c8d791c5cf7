"""The assistant for other programs: HTTP and WebSocket, over engines that all conversations share."""
