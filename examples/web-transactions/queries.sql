-- How many events so far.
SELECT count(*) FROM web_transactions;

-- Revenue and orders by department, top 10.
SELECT department, count(*) AS orders, sum(price) AS revenue
FROM web_transactions GROUP BY department ORDER BY revenue DESC LIMIT 10;

-- Distinct users by campaign.
SELECT campaign, count(DISTINCT "userID") AS users FROM web_transactions GROUP BY campaign ORDER BY campaign;

-- Revenue by minute and campaign.
SELECT date_trunc('minute', "arrivalTime") AS minute, campaign, sum(price) AS revenue
FROM web_transactions GROUP BY minute, campaign ORDER BY minute DESC, campaign LIMIT 30;

-- Average price by product, for products with many orders.
SELECT product, avg(price) AS average, count(*) AS orders
FROM web_transactions GROUP BY product HAVING count(*) > 100 ORDER BY average DESC;

-- The last 50 rows of one user.
SELECT * FROM web_transactions WHERE "userID" = '7' ORDER BY "arrivalTime" DESC LIMIT 50;
