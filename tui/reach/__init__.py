"""How we get there: ssh and http. The only room with asyncssh, httpx and aiomysql."""
