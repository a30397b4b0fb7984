WITH RECURSIVE below(guid) AS (
  SELECT guid FROM execs WHERE comm = 'nginx'
  UNION SELECT e.guid FROM execs e JOIN below ON e.parent_guid = below.guid)
SELECT substr(time, 12, 12) AS time, ppid, pid, substr(replace(replace(cmdline, char(10), ' '), char(9), ''), 1, 60) AS command
FROM execs WHERE guid IN (SELECT guid FROM below) ORDER BY seq
