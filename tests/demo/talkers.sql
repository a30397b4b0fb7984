SELECT direction, exe, local_addr || ':' || local_port AS here, peer_addr || ':' || peer_port AS there, count(*) AS n
FROM connections WHERE ret = 0 OR error IS NULL GROUP BY 1, 2, 3, 4 ORDER BY min(seq) LIMIT 10
